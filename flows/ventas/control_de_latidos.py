"""Ventas: un flujo mínimo para ver que el worker corre y que los registros llegan."""

import logging
import platform

from prefect import flow, get_run_logger, task

logger = logging.getLogger("prefect")


@task(retries=1)
def latir() -> str:
    """Registra una línea por nivel, y un print, para ver cuáles se muestran en cada lugar."""
    equipo = platform.node()
    logger.debug("Detalle: Python %s", platform.python_version())
    logger.info("Latido desde %s", equipo)
    logger.warning("Así se ve una advertencia")
    get_run_logger().error("Así se ve un error; la corrida sigue, nadie lanzó una excepción")
    print(f"print desde {equipo}: llega a la UI solo con logging.print activado")
    return equipo


@flow
def control_de_latidos() -> str:
    """Comprueba que el área tiene un worker vivo y devuelve en qué equipo corrió."""
    get_run_logger().info("Control de latidos")
    return latir()


if __name__ == "__main__":
    control_de_latidos()
