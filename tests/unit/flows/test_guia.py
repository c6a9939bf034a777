"""The guide for flow authors is right: its examples are flows, and a stack accepts what it tells them to declare."""

import importlib.util
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer
from prefect import Flow
from ruamel.yaml import YAML

from infra.cli import app
from infra.model import load_stack

GUIDE = (Path(__file__).parents[3] / "docs" / "guia.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def flows_of(code: str, path: Path) -> dict[str, Flow[..., Any]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if isinstance(value, Flow)}


@pytest.mark.parametrize("code", blocks("python"), ids=["first", "logging"])
def test_every_example_in_python_is_a_flow_that_loads(code: str, tmp_path: Path):
    [flow] = flows_of(code, tmp_path / "ejemplo.py").values()

    assert 'if __name__ == "__main__":' in code
    assert flow.parameters.properties


def test_what_the_guide_declares_is_a_deployment_of_the_flow_it_shows(tmp_path: Path):
    (first, *_) = blocks("python")
    declarations = [YAML(typ="safe").load(block) for block in blocks("yaml")]
    deployment: dict[str, Any] = {}
    for declared in declarations:
        if "deployments" in declared:
            [deployment] = declared["deployments"]
    flows_of(first, tmp_path / "flows" / "compras" / "pedidos.py")
    for declared in declarations:
        if "deployments" not in declared:
            deployment |= declared
    area = {"queues": {"urgente": {"priority": 1}}, "deployments": [deployment]}
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {prefect-infra:environment: prod}\n")  # so that there is a prod

    stack = load_stack(
        {"environment": "dev", "areas": {"compras": area}}, project="prefect-infra", stack="dev", root=tmp_path
    )

    [made] = stack.areas[0].deployments
    assert (made.flow_name, made.pool_name, made.work_queue_name) == ("revisar-pedidos", "compras-dev", "urgente")
    assert made.description == "Revisa los pedidos del día."
    assert [dict(schedule.parameters) for schedule in made.schedules] == [{"minimo": 20}, {"minimo": 3}]


@pytest.mark.parametrize(
    "schedule", re.findall(r"^\| [^|]+ \| `((?:cron|interval|rrule): .+)` \|$", GUIDE, re.MULTILINE)
)
def test_every_schedule_of_the_table_is_accepted_in_the_stacks_own_time(schedule: str):
    declared = YAML(typ="safe").load(schedule)
    deployment = {
        "name": "latidos",
        "entrypoint": "flows/ventas/control_de_latidos.py:control_de_latidos",
        "schedules": [declared],
    }

    stack = load_stack(
        {"environment": "dev", "areas": {"ventas": {"deployments": [deployment]}}},
        project="prefect-infra",
        stack="dev",
        root=Path(__file__).parents[3],
    )

    [made] = stack.areas[0].deployments[0].schedules
    assert made.timezone == "America/Argentina/Buenos_Aires"


def commands_told() -> list[str]:
    """Every call of `prefect-infra` in a block or in the text, without its comment."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    in_blocks = [line.split(" #")[0].strip() for line in lines if line.strip().startswith("prefect-infra ")]
    in_text = re.findall(r"(?<!`)`(prefect-infra [^`]+)`(?!`)", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL))
    return sorted({*in_blocks, *in_text})


@pytest.mark.parametrize("told", commands_told())
def test_every_command_that_the_guide_tells_is_one_with_such_options(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for file in re.findall(r"\S+\.xml", told):
        Path(file).touch()
    command: Any = typer.main.get_command(app)
    words = shlex.split(told)[1:]
    path: list[str] = []
    while words and hasattr(command, "commands") and words[0] in command.commands:
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    assert path, f"no such command: {told}"
    if words and "--help" not in words:
        command.make_context(" ".join(path), words)  # raises for an option that there isn't


def test_every_picture_is_there_small_and_told_in_words():
    pictures = re.findall(r"^!\[(.*)\]\((.*)\)$", GUIDE, re.MULTILINE)

    assert len(pictures) >= 4
    for words, name in pictures:
        file = Path(__file__).parents[3] / "docs" / name
        assert words
        assert file.read_bytes().startswith(b"\x89PNG")
        assert file.stat().st_size < 150_000


def test_a_schedule_may_be_in_another_zone_as_the_guide_says():
    [inline] = re.findall(r"`(\{cron: [^`]*timezone: [^`]*\})`", GUIDE)
    deployment = {
        "name": "latidos-de-chile",
        "entrypoint": "flows/ventas/control_de_latidos.py:control_de_latidos",
        "schedules": [YAML(typ="safe").load(inline)],
    }

    stack = load_stack(
        {"environment": "dev", "areas": {"ventas": {"deployments": [deployment]}}},
        project="prefect-infra",
        stack="dev",
        root=Path(__file__).parents[3],
    )

    assert [made.timezone for made in stack.areas[0].deployments[0].schedules] == ["America/Santiago"]
