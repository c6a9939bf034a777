"""Entrypoints, and the parameters that runs get."""

from __future__ import annotations

from infra.model.rules.rule import Rule

_PRECIOS = (
    "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios\n"
    "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios\n        "
)

BAD_ENTRYPOINT = Rule(
    code="PI401",
    name="bad-entrypoint",
    meaning="The entrypoint leads to no flow: no such file, no such function, or a function that is no flow.",
    example=(
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios\n"
        "        entrypoint: flows/compras/lista_de_precio.py:importar_lista_de_precios"
    ),
    mending="`path/file.py:function`, relative to the root of the code, and `@flow` above the function.",
)
UNKNOWN_PARAMETER = Rule(
    code="PI402",
    name="unknown-parameter",
    meaning="The flow's function has no such parameter: each run would fail.",
    example=f"{_PRECIOS}parameters: {{provedor: Aceros del Sur}}",
    mending="The hint names the one that was meant.",
)
PARAMETER_TYPE = Rule(
    code="PI403",
    name="parameter-type",
    meaning="A parameter's value is of another kind than the function's annotation says.",
    example=f"{_PRECIOS}parameters: {{tolerancia_de_errores: mucha}}",
    mending="Write the kind that the message names.",
)
MISSING_PARAMETER = Rule(
    code="PI404",
    name="missing-parameter",
    meaning="An active schedule would start runs without a parameter that the flow requires: each would fail.",
    example=(
        "# where the function is `def cerrar_mes(mes: str)`\n"
        "prefect-infra:areas:\n  ventas:\n    deployments:\n      - name: cierre-del-mes\n"
        "        entrypoint: flows/ventas/cierre.py:cerrar_mes\n"
        '        schedules: [{cron: "0 9 1 * *", active: true}]'
    ),
    mending="Give it in the deployment's `parameters` or the schedule's, or a default in the function.",
)
UNUSED_DEFAULT = Rule(
    code="PI405",
    name="unused-default",
    meaning="A parameter among the `defaults` that no flow below takes: it would have no effect.",
    example=(
        "prefect-infra:areas:\n  compras:\n    defaults: {parameters: {provedor: Aceros del Sur}}\n    deployments:\n"
        "      - name: importar-lista-de-precios\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios"
    ),
    mending="The hint names the parameter that was meant; else take it away.",
)

RULES = (BAD_ENTRYPOINT, UNKNOWN_PARAMETER, PARAMETER_TYPE, MISSING_PARAMETER, UNUSED_DEFAULT)
