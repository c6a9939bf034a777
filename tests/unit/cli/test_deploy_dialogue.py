"""The dialogue of `prefect-infra deploy`, on a real terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from infra.model import load_stack_file
from tests.unit.cli.conftest import files

pytestmark = pytest.mark.thorough  # each is a process of its own
HERE = Path(__file__).parents[3]


@pytest.fixture
def terminal(checkout: Path) -> Iterator[pexpect.spawn]:
    command = "from infra.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(HERE), "TERM": "dumb"}
    child = pexpect.spawn(
        sys.executable,
        ["-c", command, "deploy"],
        cwd=str(checkout),
        env=environment,
        encoding="utf-8",
        timeout=20,
    )
    child.setwinsize(50, 160)
    yield child
    child.close(force=True)


def answer(child: pexpect.spawn, *pairs: tuple[str, str]) -> None:
    for question, said in pairs:
        child.expect_exact(question)
        child.sendline(said)


def test_a_flow_is_deployed_by_answering_wrong_answers_included(terminal: pexpect.spawn, checkout: Path) -> None:
    answer(
        terminal,
        ("Flow: a number", "no-such-flow"),
        ("it must be path/file.py:function", "revisar"),
        ("Area, whose workers run it [compras]", ""),
        ("Name of the deployment [revisar-pedidos]", "a/b"),
        ("which Prefect refuses", ""),
    )
    terminal.expect_exact("El archivo de pedidos.")
    answer(
        terminal,
        ("Parameter archivo", ""),
        ("archivo is required", "pedidos.csv"),
        ("Parameter minimo", "muchos"),
        ("must be a whole number", "5"),
        ("Parameter monedas", ""),
        ("Parameter fecha", ""),
        ("When, in words or as a cron", "con la luna llena"),
        ("is not understood", "lunes a viernes a las 7 y media"),
    )
    terminal.expect(r"(\w{3} \d\d \w{3} \d{4} 07:30\s+){5}")
    answer(
        terminal,
        ("Is that right?", "n"),
        ("When, in words or as a cron", "cada día a las 7"),
        ("Is that right?", ""),
        ("Shall this one be active?", "y"),
        ("Queue [default]", "urgente"),
        ("Tags, with commas", "pedidos, diario"),
        ("Description", ""),
    )
    terminal.expect_exact("+        - name: revisar-pedidos")
    answer(terminal, ("Write Pulumi.dev.yaml?", "y"))
    terminal.expect_exact("pulumi up --stack dev")
    terminal.expect(pexpect.EOF)
    terminal.wait()

    assert terminal.exitstatus == 0
    made = load_stack_file(checkout, "dev").areas[0].deployments[-1]
    assert (made.name, made.work_queue_name, made.tags) == ("revisar-pedidos", "urgente", ("pedidos", "diario"))
    assert made.parameters == {"archivo": "pedidos.csv", "minimo": 5}
    assert [(each.cron, each.active) for each in made.schedules] == [("0 7 * * *", True)]


SHORTEST = (
    ("Flow: a number", "1"),
    ("Area", ""),
    ("Name", ""),
)


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 1)], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("questions", [1, 2, 3])
def test_an_interrupted_dialogue_writes_nothing(
    terminal: pexpect.spawn, checkout: Path, questions: int, key: str, code: int
) -> None:
    before = files(checkout)
    answer(terminal, *SHORTEST[: questions - 1])
    terminal.expect_exact(SHORTEST[questions - 1][0])
    terminal.expect_exact(": ")

    terminal.send(key)
    terminal.expect_exact("nothing was written")
    terminal.expect(pexpect.EOF)
    terminal.wait()

    assert terminal.exitstatus == code
    assert files(checkout) == before


def test_even_at_the_last_question_an_interruption_writes_nothing(terminal: pexpect.spawn, checkout: Path) -> None:
    before = files(checkout)
    answer(terminal, ("Flow: a number", "avisar"), ("Area", "ventas"), ("Name", "avisar-a-ventas"))
    answer(terminal, ("When", "cada día a las 7"), ("right?", ""), ("active?", ""), ("Tags", ""), ("Description", ""))
    terminal.expect_exact("Write Pulumi.dev.yaml?")

    terminal.send("\x03")
    terminal.expect_exact("nothing was written")
    terminal.expect(pexpect.EOF)

    assert files(checkout) == before


def test_who_says_no_to_the_change_changes_nothing(terminal: pexpect.spawn, checkout: Path) -> None:
    before = files(checkout)
    answer(
        terminal,
        ("Flow: a number", "pedidos.py:avisar"),
        ("Area", "ventas"),
        ("Name", "avisar-a-ventas"),
        ("When", ""),
        ("Tags", ""),
        ("Description", ""),
        ("Write Pulumi.dev.yaml?", ""),
    )
    terminal.expect_exact("Nothing was written.")
    terminal.expect(pexpect.EOF)

    assert files(checkout) == before
