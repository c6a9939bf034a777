import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from flows.finanzas.tipos_de_cambio import EJEMPLO, descargar, elegir, guardar

RATES = {"2026-11-19": {"USD": "1515.00"}, "2026-11-20": {"USD": "1519.25", "EUR": "1756.00"}}


@pytest.mark.parametrize(
    ("asked", "got"),
    [(None, date(2026, 11, 20)), (date(2026, 11, 19), date(2026, 11, 19)), (date(2026, 11, 22), date(2026, 11, 20))],
)
def test_a_day_without_a_market_takes_the_last_one_before(asked: date | None, got: date):
    dia, valores = elegir.fn(RATES, ["USD"], asked)

    assert dia == got
    assert valores == {"USD": Decimal(RATES[got.isoformat()]["USD"])}


def test_a_day_before_the_first_has_no_rates():
    with pytest.raises(ValueError, match="empieza el 2026-11-19"):
        elegir.fn(RATES, ["USD"], date(2020, 1, 1))


def test_a_currency_that_the_source_does_not_quote_is_named():
    with pytest.raises(ValueError, match="no cotiza EUR, XYZ el 2026-11-19; cotiza USD"):
        elegir.fn(RATES, ["USD", "XYZ", "EUR"], date(2026, 11, 19))


@pytest.mark.parametrize("source", [EJEMPLO, Path(EJEMPLO).resolve().as_uri()])
def test_the_source_may_be_a_path_or_a_file_address(source: str):
    assert descargar.fn(source)["2026-11-20"]["USD"] == "1519.25"


def test_the_shipped_rates_say_that_they_are_invented():
    assert "inventados" in json.loads(Path(EJEMPLO).read_text(encoding="utf-8"))["aviso"]


def test_history_keeps_other_days_and_other_currencies():
    guardar.fn(date(2026, 11, 19), {"USD": Decimal("1515.00")})
    guardar.fn(date(2026, 11, 20), {"EUR": Decimal("1756.00")})
    archivo = guardar.fn(date(2026, 11, 20), {"USD": Decimal("1519.25")})

    assert json.loads(archivo.read_text(encoding="utf-8")) == RATES
