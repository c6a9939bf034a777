from decimal import Decimal
from pathlib import Path

import pytest

from flows.compras.lista_de_precios import guardar, leer_filas, validar

HEADER = "codigo;descripcion;precio;moneda\n"


def written(tmp_path: Path, rows: str) -> str:
    path = tmp_path / "lista.csv"
    path.write_text(rows, encoding="utf-8-sig")
    return str(path)


def test_prices_are_read_with_points_for_thousands_and_a_decimal_comma(tmp_path: Path):
    archivo = written(tmp_path, HEADER + "PIN-0001;Pintura;48.990,50;ARS\n")

    [precio], rechazos = validar.fn(leer_filas.fn(archivo))

    assert precio.precio == Decimal("48990.50")
    assert rechazos == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("PIN-0001;Pintura;;ARS", "precio"),
        ("PIN-0001;Pintura;0;ARS", "precio"),
        ("PIN-0001;Pintura;-5,00;ARS", "precio"),
        ("PIN-0001;Pintura;1,005;ARS", "precio"),
        ("PIN-0001;;1,00;ARS", "descripcion"),
        ("pin1;Pintura;1,00;ARS", "codigo"),
        ("PIN-0001;Pintura;1,00;PESOS", "moneda"),
        ("PIN-0001;Pintura;1,00", "moneda"),
        ("TOR-0001;Otra vez;1,00;ARS", "repetido"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_why(tmp_path: Path, row: str, reason: str):
    archivo = written(tmp_path, f"{HEADER}TOR-0001;Tornillo;1,00;ARS\n\n{row}\nTUE-0001;Tuerca;1,00;ARS\n")

    precios, [rechazo] = validar.fn(leer_filas.fn(archivo))

    assert [precio.codigo for precio in precios] == ["TOR-0001", "TUE-0001"]
    assert rechazo.linea == 4
    assert reason in rechazo.motivo


@pytest.mark.parametrize("header", ["", "codigo,descripcion,precio,moneda\n", "codigo;precio\n"])
def test_another_heading_is_refused_as_a_whole(tmp_path: Path, header: str):
    with pytest.raises(ValueError, match="encabezado"):
        leer_filas.fn(written(tmp_path, header + "TOR-0001;Tornillo;1,00;ARS\n"))


def test_the_saved_list_replaces_the_one_before_and_leaves_no_half_file(tmp_path: Path):
    precios, _ = validar.fn(leer_filas.fn("flows/compras/datos/lista_proveedor.csv"))

    guardar.fn(precios, "Ferretería Ñandú S.A.")
    destino = guardar.fn(precios[:2], "Ferretería Ñandú S.A.")

    assert destino == tmp_path / "datos" / "listas_de_precios" / "ferreteria-nandu-s-a.csv"
    assert destino.read_text(encoding="utf-8").splitlines()[1:] == [
        'TOR-0010;"Tornillo autoperforante 8 x 1""";18.50;ARS',
        'TOR-0012;"Tornillo autoperforante 8 x 1 1/4""";21.90;ARS',
    ]
    assert list(destino.parent.iterdir()) == [destino]
