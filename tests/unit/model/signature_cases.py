"""Flows whose parameter schemas are compared with Prefect's own. Prefect imports this file; the model only reads it."""

# ruff: noqa: B006, E741, ICN001, PYI061, UP006, UP007, UP035, UP042, UP045  # people write types in all these ways

import datetime
import enum
import pathlib
import typing as t
from collections.abc import Sequence
from datetime import date, timedelta
from datetime import time as hora
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, List, Literal, Optional, Union
from uuid import UUID

import prefect as p
from prefect import flow
from prefect import flow as flujo
from pydantic import BaseModel, Field

LIMITE = 10
CARPETA: str = "datos"
Codigos = dict[str, list[int]]


class Moneda(str, Enum):
    """Las monedas que se cotizan."""

    PESO = "ARS"
    DOLAR = "USD"


class Nivel(IntEnum):
    BAJO = 1
    ALTO = 2


class Color(StrEnum):
    ROJO = enum.auto()
    AZUL = enum.auto()


class Direccion(BaseModel):
    calle: str
    numero: int = 0


class Cliente(BaseModel):
    """Un cliente."""

    nombre: str = Field(description="Como figura en la factura", min_length=2)
    direccion: Direccion | None = None
    etiquetas: list[str] = Field(default_factory=list)


class Propia:
    pass


@flow
def nada():
    pass


@flow
def sin_tipos(a, b=1, c=None, *, d="x"):
    pass


@flow
def simples(a: str, b: int = 3, c: float = 1.5, d: bool = False, e: None = None, f: bytes = b"x"):
    pass


@flow
def contenedores(
    a: list,
    b: dict,
    c: tuple,
    d: set,
    e: list[int],
    f: dict[str, int],
    g: tuple[int, str],
    h: tuple[int, ...],
    i: set[str],
    j: frozenset[int],
    k: List[t.Dict[str, Any]],
    l: Sequence[str],
):
    pass


@flow
def opcionales(
    a: Optional[int] = None,
    b: int | None = None,
    c: Union[int, str, None] = "x",
    d: str | int = 2,
    e: t.Optional[list[str]] = None,
):
    pass


@flow
def literales(a: Literal["uno", "dos"] = "uno", b: Literal[1, 2, None] = None, c: list[Literal["x"]] = ["x"]):
    pass


@flow
def tiempos(
    a: date,
    b: datetime.datetime,
    c: timedelta,
    d: hora,
    e: date = date(2026, 1, 31),
    f: timedelta = timedelta(hours=2),
    g: datetime.date | None = None,
):
    pass


@flow
def otros(
    a: Decimal,
    b: UUID,
    c: Path,
    d: Any,
    e: Any = None,
    f: Decimal = Decimal("1.10"),
    g: pathlib.Path = pathlib.Path("datos/x.csv"),
    h: object = 1,
):
    pass


@flow
def anotados(
    a: Annotated[int, Field(gt=0, le=10, description="Entre 1 y 10")] = 5,
    b: Annotated[str, "nota"] = "x",
    c: int = Field(default=3, description="Tres"),
    d: str = Field("z"),
    e: int = Field(description="obligatorio"),
):
    pass


@flow
def enumerados(
    a: Moneda, b: Moneda = Moneda.PESO, c: Nivel = Nivel.ALTO, d: Color = Color.AZUL, e: list[Moneda] = [Moneda.PESO]
):
    pass


@flow
def modelos(a: Cliente, b: Direccion, c: list[Cliente] | None = None):
    pass


@flow
def desconocidos(a: Propia, b: list[Propia], c: Propia | None = None, d: dict[str, Propia] = {}):
    pass


@flow
def constantes(
    a: int = LIMITE,
    b: str = CARPETA,
    c: int = -1,
    d: float = 1e3,
    e: tuple = (1, 2),
    f: list[str] = ["a", "b"],
    g: dict[str, int] = {"x": 1},
    h: set = {1},
):
    pass


@flow
def alias(a: Codigos, b: Codigos | None = None):
    pass


@flow
def citados(a: "int", b: "list[str]" = [], c: "Optional[Moneda]" = None, d: "date | None" = None):
    pass


@flow
def documentado(archivo: str, proveedor: str = "x", *, modo: str = "y", sin: int = 0):
    """Importa una lista.

    Más texto: con dos puntos.

    Args:
        archivo: El CSV, con columnas: a, b.
            Sigue en otra línea.

            Y después de una vacía.
        proveedor (str, optional): Quién la manda.
        modo: Cómo.

    Returns:
        Cuántas quedaron.

    Examples:
        Args: esto no es un parámetro.

    """


@flow
def documentado_de_otra_forma(a: int, b: int):
    """Resumen.
    Args:
        a: pegado al resumen, no cuenta

    Parameters:
      a: con dos espacios
        y continuación
      b: otra
    """


@flow
def documentado_estilo_numpy(a: int):
    """Resumen.

    Parameters
    ----------
    a : int
        No se lee.
    """


@flow
def con_resto(a: int, *args, **kwargs):
    pass


@flow
def solo_posicion(a: int, /, b: int = 2):
    pass


@flow
def nombres_de_pydantic(copy: int, json: str = "x", schema: str = "y", model_x: int = 2):
    pass


@flujo(name="con nombre", retries=2)
async def asincrono(a: int = 1) -> None:
    pass


@p.flow(name="por atributo", log_prints=True)
def por_atributo(dias: list[date] = []):
    pass


class Grupo:
    @flow
    def metodo(self, a: int, b: str = "x"):
        pass

    @staticmethod
    @flow
    def estatico(a: int):
        pass

    @classmethod
    @flow
    def de_clase(cls, a: int = 1):
        pass
