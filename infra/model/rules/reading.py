"""Files that can't be read, or not in one way only."""

from __future__ import annotations

from infra.model.rules.rule import Rule

NO_STACK_FILE = Rule(
    code="PI001",
    name="no-stack-file",
    meaning="The stack has no file, and no stack that it is based on has one.",
    example="# pulumi preview --stack prd, where there is Pulumi.prod.yaml",
    mending="Name a stack that there is, or write its file: `prefect-infra:environment: dev` is enough.",
)
UNREADABLE = Rule(
    code="PI002",
    name="unreadable-file",
    meaning="The file is there, and can't be opened, or isn't UTF-8.",
    example="# a file in Latin-1, as some Windows editors write it",
    mending="Give yourself the right to read it; save it as UTF-8.",
)
NOT_YAML = Rule(
    code="PI003",
    name="not-yaml",
    meaning="The text is no YAML, or is YAML that no stack file can have, such as an alias within itself.",
    example="prefect-infra:server: [4200",
    mending="Close what is open; indent with spaces.",
)
REPEATED_KEY = Rule(
    code="PI004",
    name="repeated-key",
    meaning="A key stands twice in one mapping. YAML readers differ in which one they take.",
    example="prefect-infra:environment: dev\nprefect-infra:environment: prod",
    mending="Take one away.",
)
NO_CONFIG = Rule(
    code="PI005",
    name="config-no-mapping",
    meaning="What stands below `config:` is no mapping of keys.",
    example="- prefect-infra:environment",
    mending="Write `prefect-infra:key: value` below `config:`.",
)
NO_NAMESPACE = Rule(
    code="PI006",
    name="no-namespace",
    meaning="A key below `config:` has no namespace, so Pulumi can't tell whose it is.",
    example="timezone: America/Santiago",
    mending="Put `prefect-infra:` before it.",
)
NESTED_SECRET = Rule(
    code="PI007",
    name="nested-secret",
    meaning="An encrypted value stands within another value. Pulumi decrypts it, and keeps it in plain in the state.",
    example="prefect-infra:areas:\n  compras:\n    env: {CLAVE: {secure: v1:abcdefgh}}",
    mending="Give the secret a top-level key of its own, and refer to it by name.",
)
NO_AREA_FILE = Rule(
    code="PI008",
    name="no-area-file",
    meaning="An area is named by a path at which there is no YAML file.",
    example="prefect-infra:areas: {compras: areas/comprs.yaml}",
    mending="Write the path from the project's root, with `/`; the hint names the file that was meant.",
)
OUTSIDE = Rule(
    code="PI009",
    name="outside-the-project",
    meaning="The path of an area's file leads out of the project, where no review sees what is changed.",
    example="prefect-infra:areas: {compras: ../otro/compras.yaml}",
    mending="Put the file into the project, into `areas/`.",
)
SAID_TWICE = Rule(
    code="PI010",
    name="said-twice",
    meaning="A key stands in an area's file and beside `file` in the stack: one of the two would not count.",
    example="prefect-infra:areas:\n  compras: {file: areas/compras.yaml, title: Compras}",
    mending="Keep it in one place; what differs by environment stands below `in`.",
)

RULES = (
    NO_STACK_FILE,
    UNREADABLE,
    NOT_YAML,
    REPEATED_KEY,
    NO_CONFIG,
    NO_NAMESPACE,
    NESTED_SECRET,
    NO_AREA_FILE,
    OUTSIDE,
    SAID_TWICE,
)
