"""Compras: importa la lista de precios que manda un proveedor."""

import csv
import logging
import os
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

from prefect import flow, get_run_logger, task
from pydantic import BaseModel, Field, ValidationError, field_validator
from slugify import slugify

# Con este logger también se puede registrar fuera de una corrida (por ejemplo, al probar una función suelta).
logger = logging.getLogger("prefect")

COLUMNAS = ("codigo", "descripcion", "precio", "moneda")


class Precio(BaseModel):
    """Una fila aceptada de la lista."""

    codigo: str = Field(pattern=r"^[A-Z]{3}-\d{4}$")
    descripcion: str = Field(min_length=1)
    precio: Decimal = Field(gt=0, decimal_places=2)
    moneda: Literal["ARS", "USD"]

    @field_validator("precio", mode="before")
    @classmethod
    def con_coma_decimal(cls, valor: object) -> object:
        """Los proveedores escriben 48.990,50: punto de miles y coma decimal."""
        return valor.replace(".", "").replace(",", ".") if isinstance(valor, str) else valor


class Fila(NamedTuple):
    """Una fila tal como vino, con su número de línea en el archivo."""

    linea: int
    valores: dict[str, str]


class Rechazo(NamedTuple):
    """Por qué no se aceptó una línea."""

    linea: int
    motivo: str


@task(retries=2, retry_delay_seconds=5)
def leer_filas(archivo: str) -> list[Fila]:
    """Lee el CSV. Reintenta porque la carpeta compartida del proveedor a veces tarda en responder."""
    with Path(archivo).open(encoding="utf-8-sig", newline="") as texto:
        lector = csv.reader(texto, delimiter=";")
        encabezado = tuple(columna.strip().lower() for columna in next(lector, []))
        if encabezado != COLUMNAS:
            msg = f"{archivo}: el encabezado es {';'.join(encabezado)!r} y debe ser {';'.join(COLUMNAS)!r}"
            raise ValueError(msg)
        filas = [
            Fila(lector.line_num, dict(zip(COLUMNAS, (v.strip() for v in valores), strict=False)))
            for valores in lector
            if any(v.strip() for v in valores)
        ]
    get_run_logger().info("%s: %d filas leídas", archivo, len(filas))
    return filas


@task
def validar(filas: list[Fila]) -> tuple[list[Precio], list[Rechazo]]:
    """Separa las filas que cumplen de las que no, y registra por qué no."""
    precios: dict[str, Precio] = {}
    rechazos: list[Rechazo] = []
    for fila in filas:
        try:
            precio = Precio.model_validate(fila.valores)
        except ValidationError as error:
            motivo = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            rechazos.append(Rechazo(fila.linea, motivo))
        else:
            if precio.codigo in precios:
                rechazos.append(Rechazo(fila.linea, f"codigo: {precio.codigo} está repetido"))
            else:
                precios[precio.codigo] = precio
                logger.debug("Línea %d aceptada: %s %s %s", fila.linea, precio.codigo, precio.moneda, precio.precio)
    for rechazo in rechazos:
        logger.warning("Línea %d rechazada: %s", rechazo.linea, rechazo.motivo)
    return list(precios.values()), rechazos


@task(retries=1, retry_delay_seconds=5)
def guardar(precios: list[Precio], proveedor: str) -> Path:
    """Reemplaza la lista del proveedor en la carpeta de datos; quien la lee nunca la ve a medio escribir."""
    carpeta = Path(os.environ.get("DATOS_DIR", ".state/datos")) / "listas_de_precios"
    carpeta.mkdir(parents=True, exist_ok=True)
    destino = carpeta / f"{slugify(proveedor)}.csv"
    provisorio = destino.with_suffix(".csv.parcial")
    with provisorio.open("w", encoding="utf-8", newline="") as texto:
        escritor = csv.DictWriter(texto, COLUMNAS, delimiter=";")
        escritor.writeheader()
        escritor.writerows(precio.model_dump(mode="json") for precio in precios)
    provisorio.replace(destino)
    get_run_logger().info("%d precios guardados en %s", len(precios), destino)
    return destino


@flow
def importar_lista_de_precios(
    archivo: str = "flows/compras/datos/lista_proveedor.csv",
    proveedor: str = "Proveedor de ejemplo",
    tolerancia_de_errores: int = 0,
) -> int:
    """Importa la lista de precios de un proveedor y devuelve cuántos precios quedaron.

    Si hay más filas rechazadas que las toleradas, la corrida falla y la lista anterior queda como estaba.

    Args:
        archivo: CSV del proveedor, con columnas codigo;descripcion;precio;moneda. Relativo a la raíz del código.
        proveedor: Nombre del proveedor; da nombre al archivo que se guarda.
        tolerancia_de_errores: Cuántas filas rechazadas se aceptan antes de fallar.

    """
    precios, rechazos = validar(leer_filas(archivo))
    if len(rechazos) > tolerancia_de_errores:
        lineas = ", ".join(str(rechazo.linea) for rechazo in rechazos)
        msg = (
            f"{archivo}: {len(rechazos)} filas rechazadas (líneas {lineas}) y se toleran {tolerancia_de_errores}. "
            f"No se importó nada: corregí el archivo o subí tolerancia_de_errores."
        )
        raise ValueError(msg)
    guardar(precios, proveedor)
    return len(precios)


if __name__ == "__main__":
    importar_lista_de_precios()
