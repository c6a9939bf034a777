"""Keys and values of the wrong shape."""

from __future__ import annotations

from infra.model.rules.rule import Rule

UNKNOWN_KEY = Rule(
    code="PI101",
    name="unknown-key",
    meaning="There is no such key here. It would have no effect, which nobody would notice.",
    example="prefect-infra:servre: {port: 4200}",
    mending="Spell it as docs/stack-files.md does; the hint names the key that was meant.",
)
MISSING_KEY = Rule(
    code="PI102",
    name="missing-key",
    meaning="A key that must be there isn't.",
    example="prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios",
    mending="Give it; a deployment needs `name` and `entrypoint`, a stack `environment`.",
)
WRONG_TYPE = Rule(
    code="PI103",
    name="wrong-type",
    meaning="The value is of another kind than the key takes: text for a number, a list for a mapping.",
    example="prefect-infra:areas:\n  compras:\n    workers: {replicas: '2'}",
    mending="Put text in quotes, take quotes away from numbers; the hint shows the value as it should be.",
)
NO_CHOICE = Rule(
    code="PI104",
    name="no-such-choice",
    meaning="The key takes one of a few words, and this is none of them.",
    example="prefect-infra:logging: {level: info}",
    mending="Write one of those that the message lists.",
)
MALFORMED_NAME = Rule(
    code="PI105",
    name="malformed-name",
    meaning="A name, variable, setting or commit is not written as these are.",
    example="prefect-infra:areas:\n  Recursos Humanos: {}",
    mending="Areas: small letters, digits, _; environments: small letters and digits; variables: letters, digits, _.",
)
OUT_OF_RANGE = Rule(
    code="PI106",
    name="out-of-range",
    meaning="A number is smaller or larger than the key takes.",
    example="prefect-infra:server: {port: 80}",
    mending="Write a number within the limits that the message names.",
)
EMPTY = Rule(
    code="PI107",
    name="empty-text",
    meaning="A text that must say something is empty.",
    example="prefect-infra:timezone: ''",
    mending="Fill it in, or leave the key out.",
)
UNQUOTED_DATE = Rule(
    code="PI108",
    name="unquoted-date",
    meaning="A date without quotes: Pulumi makes `2026-01-31 00:00:00 +0000 UTC` of it before anybody sees it.",
    example=(
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios\n"
        "        schedules: [{interval: 1d, anchor_date: 2026-01-31}]"
    ),
    mending='Put it in quotes: `"2026-01-31"`.',
)
MISPLACED_KEY = Rule(
    code="PI109",
    name="misplaced-key",
    meaning="The key exists, but has no meaning beside the others: `branch` without `location: git`.",
    example="prefect-infra:code: {location: image, branch: main}",
    mending="Leave it out, or write the key that it goes with.",
)
CONFLICTING_KEYS = Rule(
    code="PI110",
    name="conflicting-keys",
    meaning="Two keys exclude each other.",
    example="prefect-infra:code: {location: git, repository: 'https://x/y.git', branch: main, commit_sha: 1f0c2d9a}",
    mending="Keep one of them.",
)
NOT_JSON = Rule(
    code="PI111",
    name="not-json",
    meaning="A parameter or job variable that JSON has no form for, such as .inf or .nan.",
    example=(
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios\n"
        "        work_pool: {job_variables: {env: {LIMITE: .nan}}}"
    ),
    mending="Write a number, or the text that the flow understands.",
)

RULES = (
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_TYPE,
    NO_CHOICE,
    MALFORMED_NAME,
    OUT_OF_RANGE,
    EMPTY,
    UNQUOTED_DATE,
    MISPLACED_KEY,
    CONFLICTING_KEYS,
    NOT_JSON,
)

_BY_KIND = {
    "extra_forbidden": UNKNOWN_KEY,
    "missing": MISSING_KEY,
    "literal_error": NO_CHOICE,
    "string_pattern_mismatch": MALFORMED_NAME,
    "string_too_short": EMPTY,
    "greater_than_equal": OUT_OF_RANGE,
    "greater_than": OUT_OF_RANGE,
    "finite_number": OUT_OF_RANGE,
}


def of_kind(kind: str) -> Rule:
    """The rule that a kind of pydantic's errors breaks."""
    return _BY_KIND.get(kind, WRONG_TYPE)
