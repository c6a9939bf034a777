import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

from flows.ventas.resumen_diario import Resumen, guardar, leer_ventas, resumir

DAY = date(2026, 11, 20)


def rows(base: Path) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(base)) as connection:
        return connection.execute("SELECT fecha, sucursal, centavos FROM resumen_diario ORDER BY 1, 2").fetchall()


def test_each_branch_that_sold_has_its_tickets_units_and_amount():
    resumenes = resumir.fn(leer_ventas.fn(), DAY, None)

    assert resumenes == [
        Resumen("Centro", tickets=2, unidades=17, importe=Decimal("1681005.00")),
        Resumen("Norte", tickets=3, unidades=12, importe=Decimal("171130.00")),
        Resumen("Rosario", tickets=2, unidades=17, importe=Decimal("23380.00")),
    ]


def test_a_day_without_sales_has_no_branches():
    assert resumir.fn(leer_ventas.fn(), date(2020, 1, 1), None) == []


def test_saving_a_day_twice_leaves_it_once():
    resumenes = resumir.fn(leer_ventas.fn(), DAY, None)

    guardar.fn(resumenes, DAY, None)
    base = guardar.fn(resumenes, DAY, None)

    assert [row[1] for row in rows(base)] == ["Centro", "Norte", "Rosario"]


def test_saving_one_branch_leaves_the_others_and_other_days():
    ventas = leer_ventas.fn()
    before = date(2026, 11, 19)
    guardar.fn(resumir.fn(ventas, before, None), before, None)
    base = guardar.fn(resumir.fn(ventas, DAY, None), DAY, None)
    all_rows = rows(base)

    guardar.fn([Resumen("Norte", tickets=1, unidades=1, importe=Decimal("1.50"))], DAY, "Norte")

    assert rows(base) == [(*row[:2], 150) if row[:2] == ("2026-11-20", "Norte") else row for row in all_rows]
