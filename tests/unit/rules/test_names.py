"""Names of deployments and queues that say nothing, too little, or it in another way than the others."""

from __future__ import annotations

import pytest

from infra.model import Report
from tests.unit.rules.conftest import Check, codes


def named(check: Check, name: str, stack: str = "") -> Report:
    return check(
        f"{stack}\n"
        "prefect-infra:areas:\n  ventas:\n    deployments:\n"
        f"      - {{name: '{name}', entrypoint: 'flows/ventas/resumen_diario.py:resumen_diario'}}"
    )


@pytest.mark.parametrize(
    "name",
    [
        "test", "deploy1", "default", "prueba", "prueba2", "flow2", "flujo", "tarea-3", "nueva-tarea", "mi-flow",
        "TEST", "test_test", "flujo-de-prueba", "deployment-01", "main", "script", "hola-mundo", "asd",
        "tmp-1", "FlowTest",
    ],
)  # fmt: skip
def test_a_name_that_says_nothing_is_refused(check: Check, name: str) -> None:
    assert codes(named(check, name)) == ["PI211"]


@pytest.mark.parametrize(
    "name",
    [
        "importar-lista-de-precios", "resumen-diario-de-ventas", "cierre-2026", "control-de-latidos",
        "conciliación-bancaria", "prueba-de-carga", "año-nuevo", "test-de-precios", "exportar-a-sql",
    ],
)  # fmt: skip
def test_a_name_in_spanish_kebab_case_is_taken(check: Check, name: str) -> None:
    assert "PI211" not in codes(named(check, name))
    assert "PI217" not in codes(named(check, name))


@pytest.mark.parametrize("name", ["precios", "de-la-a", "cierre-2026", "a-b"])
def test_too_few_words_are_a_warning(check: Check, name: str) -> None:
    report = named(check, name)

    assert [(f.rule.code, f.severity) for f in report.findings] == [("PI218", "warning")]
    assert report.stack is not None


@pytest.mark.parametrize(
    ("name", "kebab"),
    [
        ("Importar Precios", "importar-precios"),
        ("importar_precios", "importar-precios"),
        ("importarPrecios", "importar-precios"),
        ("importar--precios", "importar-precios"),
    ],
)
def test_another_case_is_a_warning_that_says_how_to_write_it(check: Check, name: str, kebab: str) -> None:
    (finding,) = named(check, name).findings

    assert (finding.rule.code, finding.hint) == ("PI217", f"write {kebab}")


def test_a_stack_may_ask_for_more_words_and_forbid_some_and_allow_others(check: Check) -> None:
    naming = "prefect-infra:naming: {min_words: 3, forbidden: [Planilla], allowed: [backup, test]}"

    assert codes(named(check, "importar-precios", naming)) == ["PI218"]
    assert codes(named(check, "planilla-2", naming)) == ["PI211"]
    assert codes(named(check, "backup", naming)) == []
    assert codes(named(check, "test", naming)) == []


def test_a_queue_has_a_name_that_says_something_too(check: Check) -> None:
    assert codes(check("prefect-infra:areas: {ventas: {queues: {test: {}, default: {}, urgente: {}}}}")) == ["PI211"]
