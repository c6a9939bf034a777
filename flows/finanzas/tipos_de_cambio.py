"""Finanzas: actualiza los tipos de cambio contra el peso."""

import json
import logging
import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx
from prefect import flow, get_run_logger, task
from prefect.cache_policies import INPUTS

logger = logging.getLogger("prefect")

# Sin TIPOS_DE_CAMBIO_URL se usan valores de ejemplo que vienen con el código: sirven para probar, no para operar.
EJEMPLO = "flows/finanzas/datos/tipos_de_cambio.json"

Cotizaciones = dict[str, dict[str, str]]


@task(
    retries=3,
    retry_delay_seconds=[1, 5, 15],
    cache_policy=INPUTS,
    cache_expiration=timedelta(hours=1),
    persist_result=True,
)
def descargar(fuente: str) -> Cotizaciones:
    """Trae las cotizaciones por día. Con la misma fuente, durante una hora se usa lo ya descargado."""
    partes = urlsplit(fuente)
    if partes.scheme in ("http", "https"):
        texto = httpx.get(fuente, timeout=10, follow_redirects=True).raise_for_status().text
    else:
        texto = Path(url2pathname(partes.path) if partes.scheme == "file" else fuente).read_text(encoding="utf-8")
    cotizaciones: Cotizaciones = json.loads(texto)["cotizaciones"]
    get_run_logger().info("%s: cotizaciones de %d días", fuente, len(cotizaciones))
    return cotizaciones


@task
def elegir(cotizaciones: Cotizaciones, monedas: list[str], fecha: date | None) -> tuple[date, dict[str, Decimal]]:
    """Elige el día pedido o, si ese día no hubo mercado, el último anterior."""
    dias = sorted(date.fromisoformat(dia) for dia in cotizaciones)
    anteriores = [dia for dia in dias if fecha is None or dia <= fecha]
    if not anteriores:
        msg = f"No hay cotizaciones al {fecha}: la fuente empieza el {dias[0] if dias else '(está vacía)'}"
        raise ValueError(msg)
    dia = anteriores[-1]
    if fecha is not None and dia != fecha:
        logger.warning("Sin cotizaciones el %s: se usan las del %s", fecha, dia)
    del_dia = cotizaciones[dia.isoformat()]
    if faltan := sorted(set(monedas) - set(del_dia)):
        msg = f"La fuente no cotiza {', '.join(faltan)} el {dia}; cotiza {', '.join(sorted(del_dia))}"
        raise ValueError(msg)
    return dia, {moneda: Decimal(del_dia[moneda]) for moneda in monedas}


@task(retries=1, retry_delay_seconds=2)
def guardar(dia: date, valores: dict[str, Decimal]) -> Path:
    """Agrega los valores del día al historial, o los reemplaza si ya estaban."""
    archivo = Path(os.environ.get("DATOS_DIR", ".state/datos")) / "tipos_de_cambio.json"
    archivo.parent.mkdir(parents=True, exist_ok=True)
    historial: Cotizaciones = json.loads(archivo.read_text(encoding="utf-8")) if archivo.exists() else {}
    historial[dia.isoformat()] = historial.get(dia.isoformat(), {}) | {m: str(v) for m, v in valores.items()}
    provisorio = archivo.with_suffix(".json.parcial")
    provisorio.write_text(json.dumps(historial, indent=2, sort_keys=True), encoding="utf-8")
    provisorio.replace(archivo)
    return archivo


@flow
def actualizar_tipos_de_cambio(
    monedas: list[str] = ["USD", "EUR", "BRL"],  # noqa: B006 - Prefect muestra este valor en la UI; nadie lo modifica
    fecha: date | None = None,
) -> dict[str, str]:
    """Actualiza los tipos de cambio contra el peso y devuelve los del día elegido.

    La fuente es la variable de entorno TIPOS_DE_CAMBIO_URL (http, https, file o una ruta); sin ella se usan
    valores de ejemplo.

    Args:
        monedas: Códigos ISO de las monedas a actualizar.
        fecha: Día de la cotización; sin fecha, la última publicada.

    """
    fuente = os.environ.get("TIPOS_DE_CAMBIO_URL") or EJEMPLO
    if fuente == EJEMPLO:
        logger.warning("TIPOS_DE_CAMBIO_URL no está definida: se usan valores de ejemplo, no cotizaciones reales")
    dia, valores = elegir(descargar(fuente), monedas, fecha)
    for moneda, valor in valores.items():
        logger.info("%s: 1 %s = %s ARS", dia, moneda, valor)
    guardar(dia, valores)
    return {moneda: str(valor) for moneda, valor in valores.items()}


if __name__ == "__main__":
    actualizar_tipos_de_cambio()
