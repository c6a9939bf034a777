"""Ventas: resume las ventas de un día por sucursal."""

import csv
import logging
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from prefect import flow, get_run_logger, task

logger = logging.getLogger("prefect")

# Datos de ejemplo, siempre los mismos: en una instalación real esto sería la base del sistema de ventas.
VENTAS = "flows/ventas/datos/ventas.csv"

TABLA = """
CREATE TABLE IF NOT EXISTS resumen_diario (
    fecha TEXT NOT NULL,
    sucursal TEXT NOT NULL,
    tickets INTEGER NOT NULL,
    unidades INTEGER NOT NULL,
    centavos INTEGER NOT NULL,
    PRIMARY KEY (fecha, sucursal)
)
"""


@dataclass(frozen=True)
class Venta:
    """Un renglón de un ticket."""

    fecha: date
    sucursal: str
    ticket: str
    unidades: int
    importe: Decimal


@dataclass(frozen=True)
class Resumen:
    """Lo vendido por una sucursal en un día."""

    sucursal: str
    tickets: int
    unidades: int
    importe: Decimal


@task(retries=2, retry_delay_seconds=5)
def leer_ventas(archivo: str = VENTAS) -> list[Venta]:
    """Lee todas las ventas. Reintenta, como se haría con una base que puede estar ocupada."""
    with Path(archivo).open(encoding="utf-8", newline="") as texto:
        ventas = [
            Venta(
                fecha=date.fromisoformat(fila["fecha"]),
                sucursal=fila["sucursal"],
                ticket=fila["ticket"],
                unidades=int(fila["unidades"]),
                importe=int(fila["unidades"]) * Decimal(fila["precio_unitario"]),
            )
            for fila in csv.DictReader(texto, delimiter=";")
        ]
    get_run_logger().debug("%s: %d renglones", archivo, len(ventas))
    return ventas


@task
def resumir(ventas: list[Venta], fecha: date, sucursal: str | None) -> list[Resumen]:
    """Agrupa las ventas del día por sucursal."""
    del_dia = [v for v in ventas if v.fecha == fecha and sucursal in (None, v.sucursal)]
    if not del_dia:
        logger.warning("Sin ventas el %s%s", fecha, f" en {sucursal}" if sucursal else "")
    return [
        Resumen(
            sucursal=nombre,
            tickets=len({v.ticket for v in del_dia if v.sucursal == nombre}),
            unidades=sum(v.unidades for v in del_dia if v.sucursal == nombre),
            importe=sum((v.importe for v in del_dia if v.sucursal == nombre), Decimal()),
        )
        for nombre in sorted({v.sucursal for v in del_dia})
    ]


@task(retries=3, retry_delay_seconds=2)
def guardar(resumenes: list[Resumen], fecha: date, sucursal: str | None) -> Path:
    """Reemplaza en SQLite el resumen de ese día: correr dos veces deja lo mismo que correr una."""
    base = Path(os.environ.get("DATOS_DIR", ".state/datos")) / "ventas.sqlite3"
    base.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(base)) as conexion, conexion:
        conexion.execute(TABLA)
        conexion.execute(
            "DELETE FROM resumen_diario WHERE fecha = :fecha AND (:sucursal IS NULL OR sucursal = :sucursal)",
            {"fecha": fecha.isoformat(), "sucursal": sucursal},
        )
        conexion.executemany(
            "INSERT INTO resumen_diario VALUES (?, ?, ?, ?, ?)",
            [(fecha.isoformat(), r.sucursal, r.tickets, r.unidades, int(r.importe * 100)) for r in resumenes],
        )
    get_run_logger().info("Resumen del %s guardado en %s", fecha, base)
    return base


@flow
def resumen_diario(fecha: date | None = None, sucursal: str | None = None) -> int:
    """Resume las ventas de un día por sucursal y devuelve cuántas sucursales vendieron.

    Args:
        fecha: Día a resumir; sin fecha, el último día con ventas.
        sucursal: Resumir solo esta sucursal; sin ella, todas.

    """
    ventas = leer_ventas()
    dia = fecha or max(v.fecha for v in ventas)
    resumenes = resumir(ventas, dia, sucursal)
    for resumen in resumenes:
        logger.info("%s %s: %d tickets, $ %s", dia, resumen.sucursal, resumen.tickets, resumen.importe)
    guardar(resumenes, dia, sucursal)
    return len(resumenes)


if __name__ == "__main__":
    resumen_diario()
