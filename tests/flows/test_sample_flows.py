"""The sample flows, run whole against a Prefect server of the test's own."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from flows.compras.lista_de_precios import importar_lista_de_precios
from flows.finanzas.tipos_de_cambio import actualizar_tipos_de_cambio
from flows.ventas.control_de_latidos import control_de_latidos
from flows.ventas.resumen_diario import resumen_diario

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def datos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setenv("DATOS_DIR", str(tmp_path))
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "resultados"}):
        yield tmp_path


class Market(BaseHTTPRequestHandler):
    """Is busy at first, as the real ones are at opening time."""

    calls = 0

    def do_GET(self) -> None:
        Market.calls += 1
        self.send_response(503 if Market.calls == 1 else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"cotizaciones": {"2026-11-20": {"USD": "1500.00"}}}).encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def market() -> Iterator[str]:
    Market.calls = 0
    with HTTPServer(("127.0.0.1", 0), Market) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()


def test_the_supplier_list_is_imported(datos: Path):
    assert importar_lista_de_precios() == 12
    assert (datos / "listas_de_precios" / "proveedor-de-ejemplo.csv").exists()


def test_a_list_with_more_errors_than_tolerated_fails_with_its_lines_and_keeps_the_list_before(datos: Path):
    importar_lista_de_precios()
    before = (datos / "listas_de_precios" / "proveedor-de-ejemplo.csv").read_bytes()

    state = importar_lista_de_precios("flows/compras/datos/lista_con_errores.csv", return_state=True)

    assert state.is_failed()
    assert "4 filas rechazadas (líneas 3, 5, 6, 7) y se toleran 0" in str(state.message)
    assert (datos / "listas_de_precios" / "proveedor-de-ejemplo.csv").read_bytes() == before


def test_a_list_with_errors_within_the_tolerance_is_imported_without_them():
    assert importar_lista_de_precios("flows/compras/datos/lista_con_errores.csv", tolerancia_de_errores=4) == 2


def test_the_daily_summary_run_twice_leaves_the_same_as_once(datos: Path):
    assert resumen_diario() == 3
    assert resumen_diario(fecha=date(2026, 11, 20)) == 3

    with closing(sqlite3.connect(datos / "ventas.sqlite3")) as connection:
        assert connection.execute("SELECT count(*), sum(tickets) FROM resumen_diario").fetchone() == (3, 7)


def test_the_heartbeat_tells_where_it_ran(capsys: pytest.CaptureFixture[str]):
    host = control_de_latidos()

    assert f"print desde {host}" in capsys.readouterr().out


def test_without_a_source_the_sample_rates_are_used():
    assert actualizar_tipos_de_cambio(["USD"]) == {"USD": "1519.25"}


def test_a_busy_source_is_asked_again_and_what_it_said_is_kept_for_an_hour(
    market: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TIPOS_DE_CAMBIO_URL", market)

    assert actualizar_tipos_de_cambio(["USD"]) == {"USD": "1500.00"}
    assert Market.calls == 2
    assert actualizar_tipos_de_cambio(["USD"]) == {"USD": "1500.00"}
    assert Market.calls == 2
