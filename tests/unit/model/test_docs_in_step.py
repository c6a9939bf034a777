"""What docs/stack-files.md shows is valid, and it names each key that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.model import declared, load_stack_file

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "stack-files.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def models(
    model: type[declared.Declared], seen: frozenset[type[declared.Declared]] = frozenset()
) -> Iterator[type[declared.Declared]]:
    yield model
    for name in model.model_fields:
        for path in ((name,), (name, 0), (name, "a")):
            found = declared.in_model(model, path)
            if found is not None and found not in seen:  # conditions hold conditions
                yield from models(found, seen | {model, found})


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 15


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.strip().splitlines()[0])
def test_each_example_is_a_valid_stack(tmp_path: Path, example: str) -> None:
    if "prefect-infra:environment" not in example:
        example = f"prefect-infra:environment: dev\n{example}"
    indented = "".join(f"  {line}\n" for line in example.splitlines())
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n{indented}", encoding="utf-8")
    (tmp_path / "flows").symlink_to(REPOSITORY / "flows")
    (tmp_path / "areas").mkdir()
    for area in ("compras", "ventas"):
        (tmp_path / "areas" / f"{area}.yaml").write_text(f"title: {area}\n")

    load_stack_file(tmp_path, "dev")


@pytest.mark.parametrize(
    "model", sorted(set(models(declared.Stack)), key=lambda model: model.__name__), ids=lambda model: model.__name__
)
def test_each_key_is_told(model: type[declared.Declared]) -> None:
    missing = [name for name in declared.keys_of(model) if not re.search(rf"\b{name}:", PAGE)]

    assert not missing
