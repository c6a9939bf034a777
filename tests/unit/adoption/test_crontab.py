from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest

from infra.adoption import Imported, SourceFaults
from infra.adoption.crontab import parse, translate
from infra.model import Schedule, next_runs

HERE = Path(__file__).parents[3]
BUENOS_AIRES = "America/Argentina/Buenos_Aires"


def imported(text: str, *, system: bool = False, taken: frozenset[str] = frozenset()) -> Imported:
    return translate(parse(text, system=system), "compras", taken=taken)


def schedules(text: str) -> list[dict[str, object]]:
    return [each for draft in imported(text).drafts for each in draft.deployment["schedules"]]


@pytest.mark.parametrize(
    ("line", "schedule"),
    [
        ("30 1,13 * * * x", {"cron": "30 1,13 * * *"}),
        ("@daily x", {"cron": "0 0 * * *"}),
        ("@midnight x", {"cron": "0 0 * * *"}),
        ("@hourly x", {"cron": "0 * * * *"}),
        ("@weekly x", {"cron": "0 0 * * 0"}),
        ("@monthly x", {"cron": "0 0 1 * *"}),
        ("@yearly x", {"cron": "0 0 1 1 *"}),
        ("@annually x", {"cron": "0 0 1 1 *"}),
        ("5-5 * * * * x", {"cron": "5 * * * *"}),
        ("0 9 1 * mon x", {"cron": "0 9 1 * mon"}),
        ("0 9 */2 * mon x", {"cron": "0 9 */2 * mon", "day_or": False}),
        ("-0 9 * * * x", {"cron": "0 9 * * *"}),
        ("CRON_TZ=America/Santiago\n0 9 * * * x", {"cron": "0 9 * * *", "timezone": "America/Santiago"}),
        ('CRON_TZ="America / Buenos Aires"\n0 9 * * * x', {"cron": "0 9 * * *", "timezone": BUENOS_AIRES}),
        ("TZ=America/Santiago\n0 9 * * * x", {"cron": "0 9 * * *"}),
    ],
)
def test_a_line_becomes_a_schedule(line: str, schedule: dict[str, object]) -> None:
    assert schedules(line) == [schedule]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("@reboot x", "machine starts"),
        ("@every_minute x", "there is no"),
        ("0~30 * * * * x", "random"),
        ("5/15 * * * * x", "no range"),
        ("0 0 31 2 * x", "never fires"),
        ("0 25 * * * x", "hour"),
        ("*/90 * * * * x", "step"),
        ("0 0 L * * x", "not of a crontab"),
        ("CRON_TZ=UTC\n0 9 * * * x", "UTC"),
    ],
)
def test_what_has_no_equal_is_told_and_left_out(line: str, reason: str) -> None:
    found = imported(line)

    assert found.drafts == ()
    assert any(remark.weight == "left out" and reason in remark.text for remark in found.remarks)


@pytest.mark.parametrize("text", ["hello", "* * * *", "0 9 * * *", "a=b\n! ! ! ! ! x", "@daily"])
def test_what_is_no_crontab_is_refused_whole(text: str) -> None:
    with pytest.raises(SourceFaults, match="line"):
        parse(f"0 1 * * * x\n{text}\n")


def test_percent_signs_are_the_command_s_input() -> None:
    (job,) = parse(r"0 1 * * * date +\%F; cat%one%two").jobs

    assert (job.command, job.stdin) == ("date +%F; cat", "one\ntwo\n")


def test_a_variable_counts_for_the_lines_below_it() -> None:
    first, second = parse("A=1\n0 1 * * * x\nA = ' 2 '\n0 2 * * * x").jobs

    assert (first.env, second.env) == ({"A": "1"}, {"A": " 2 "})


def test_variables_go_to_the_deployment_and_those_of_the_command_to_the_flow() -> None:
    (draft,) = imported("PATH=/opt/bin\nMAILTO=a@b\nDATOS=/srv\nDB_PASSWORD=abc\n0 1 * * * x").drafts

    assert draft.deployment["env"] == {"DATOS": "/srv"}
    assert draft.flow_file is not None
    assert '"PATH": "/opt/bin"' in draft.flow_file.text
    assert "abc" not in draft.flow_file.text


def test_one_command_at_several_times_is_one_deployment() -> None:
    (draft,) = imported("0 1 * * * x\n0 2 * * 1 x\n0 1 * * * x").drafts

    assert [each["cron"] for each in draft.deployment["schedules"]] == ["0 1 * * *", "0 2 * * 1"]


def test_names_come_from_the_comment_or_the_command_and_are_each_one_of_its_own() -> None:
    text = "# Respaldo de la base ñandú\n0 1 * * * a\n\n0 1 * * * python3 /x/LimpiarTodo.py -v viejos\n0 3 * * * ls\n"

    names = [draft.deployment["name"] for draft in imported(f"{text}0 4 * * * /bin/ls\n").drafts]

    assert names == ["respaldo-de-la-base-nandu", "limpiar-todo-viejos", "correr-ls", "correr-ls-2"]


def test_a_system_crontab_has_users() -> None:
    found = imported("0 1 * * * root /x/a b\n", system=True)

    assert any("ran as root" in remark.text for remark in found.remarks)
    assert "/x/a b" in str(found.drafts[0].flow_file)


def as_cron_does(expression: str, start: datetime) -> Iterator[datetime]:
    """Minute by minute, by the rules in crontab(5)."""
    ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    sets: list[set[int]] = []
    for text, (low, high) in zip(expression.split(), ranges, strict=True):
        values: set[int] = set()
        for term in text.split(","):
            span, _, step = term.partition("/")
            first, _, last = span.partition("-")
            begin, end = (low, high) if span == "*" else (int(first), int(last or first))
            values |= set(range(begin, end + 1, int(step or 1)))
        sets.append(values)
    fields = expression.split()
    both = fields[2].startswith("*") or fields[4].startswith("*")
    moment = start
    while True:
        day = moment.day in sets[2]
        weekday = bool({moment.isoweekday() % 7, moment.isoweekday()} & sets[4])
        on = (day and weekday) if both else (day or weekday)
        if moment.month in sets[3] and on:
            if moment.hour in sets[1] and moment.minute in sets[0]:
                yield moment
            moment += timedelta(minutes=1)
        else:
            moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)


@pytest.mark.parametrize(
    "expression",
    [
        *("30 1,13,17 * * *", "*/7 8-18 * * 1-5", "0 9 */2 * 1", "0 9 1,15 * 5", "0 0 31 * *", "15 3 29 2 *"),
        *("0 12 * * */2", "0 6 1-7 * 7", "59 23 28-31 * *", "0 0 */10 * 5-7", "5-5 4 13 * 5", "0 1-23/4 * 1-12/3 *"),
    ],
)
def test_it_fires_when_cron_fired(expression: str) -> None:
    (made,) = schedules(f"{expression} x")
    zone = ZoneInfo(BUENOS_AIRES)
    schedule = Schedule(slug="x", timezone=BUENOS_AIRES, active=True, parameters={}, **made)

    fired = next_runs(schedule, 60, datetime(2026, 1, 1, tzinfo=zone))

    expected = list(islice(as_cron_does(expression, datetime(2026, 1, 1)), 60))  # noqa: DTZ001  # wall clock
    assert [each.replace(tzinfo=None) for each in fired] == expected


def load(text: str) -> ModuleType:
    module = ModuleType("made")
    exec(compile(text, "made.py", "exec"), module.__dict__)
    return module


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    from prefect import flow  # noqa: F401  # sets logging up, which would undo what follows
    from prefect.logging import disable_run_logger

    def each(line: str, limit: int | None = None) -> None:
        (draft,) = imported(line).drafts
        assert draft.flow_file is not None
        module = load(draft.flow_file.text)
        module.LIMITE = limit
        for command in module.COMANDOS:
            module.ejecutar.fn(command)

    with disable_run_logger():
        yield each


def test_the_flow_runs_the_command_with_its_shell_input_and_folder(run, tmp_path: Path) -> None:
    run(f'SHELL=/bin/bash\nHOME={tmp_path}\nPATH=/usr/bin:/bin\n0 1 * * * [[ a == a ]] && cat > "out ñ"%uno%dos\\%')

    assert (tmp_path / "out ñ").read_text() == "uno\ndos%\n"


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(run, tmp_path: Path) -> None:
    started = time.monotonic()

    with pytest.raises(TimeoutError, match="1 segundos"):
        run(f"HOME={tmp_path}\n0 1 * * * sleep 60; touch late", limit=1)

    assert time.monotonic() - started < 30
    assert list(tmp_path.iterdir()) == []


def test_the_flow_fails_when_the_command_does(run) -> None:
    with pytest.raises(RuntimeError, match="código 3"):
        run("0 1 * * * exit 3")


@pytest.mark.parametrize(
    "command", ['echo "\'\'\' \\"\\"\\" \\\\ \\n ñ $x"', "printf '\\\\d' # \"", 'a"', "\x07é\u2028x"]
)
def test_whatever_the_command_its_flow_is_python(command: str) -> None:
    (draft,) = imported(f'# un comentario con """ y \\ \n0 1 * * * {command}').drafts
    assert draft.flow_file is not None

    module = load(draft.flow_file.text)

    assert module.COMANDOS[0].texto == command.strip()
    assert ast.get_docstring(ast.parse(draft.flow_file.text))


@pytest.mark.parametrize(
    "command",
    [
        "x%y",
        "echo 'a' \"b\"",
        'tar czf "$HOME/a b.tgz" ' + "muy-largo " * 9,
        "echo " + "x" * 150,
        'grep "a" b',
    ],
)
@pytest.mark.parametrize("comment", ["Respaldo", "Una explicación larga de lo que hace y por qué. " * 6])
def test_the_flow_is_in_the_form_that_the_checks_want(tmp_path: Path, command: str, comment: str) -> None:
    (draft,) = imported(f"# {comment}\nPATH=/bin:{'/x' * 60}\n0 1 * * * {command}").drafts
    assert draft.flow_file is not None
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "a.py").write_text(draft.flow_file.text)
    (tmp_path / "pyproject.toml").write_text((HERE / "pyproject.toml").read_text())

    for words in (["check"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "flows/a.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
