from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.discovery import Discovery, FoundFlow, Parameter, Use, find_flows
from infra.model.entrypoints import Entrypoints

STACK = """\
config:
  prefect-infra:environment: dev
  prefect-infra:areas:
    compras:
      deployments:
        - name: pedidos-de-la-mañana
          entrypoint: ./flows/a.py:pedidos
        - name: pedidos-de-la-tarde
          entrypoint: flows/a.py:pedidos
"""


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=root, check=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def write(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def only(found: Discovery) -> FoundFlow:
    (flow,) = found.flows
    return flow


@pytest.mark.parametrize(
    ("text", "function", "name"),
    [
        ("from prefect import flow\n@flow\ndef uno_dos(): ...", "uno_dos", "uno-dos"),
        ("from prefect import flow\n@flow()\ndef f(): ...", "f", "f"),
        ("from prefect import flow\n@flow(name='Uno')\ndef f(): ...", "f", "Uno"),
        ("from prefect import flow as fl\n@fl(retries=2)\ndef f(): ...", "f", "f"),
        ("import prefect\n@prefect.flow\ndef f(): ...", "f", "f"),
        ("import prefect as p\n@p.flow(name='Dos')\nasync def f(): ...", "f", "Dos"),
        ("from prefect.flows import flow\n@flow\ndef f(): ...", "f", "f"),
        ("from prefect import *\n@flow\ndef f(): ...", "f", "f"),
        ("from prefect import flow\nNAME = 'Tres'\n@flow(name=NAME)\ndef f(): ...", "f", "Tres"),
        ("from prefect import flow\ndef f(): ...\ng = flow(name='Cuatro')(f)", "g", "Cuatro"),
        ("from prefect import flow\nclass C:\n    @flow\n    def m(self, a): ...", "C.m", "m"),
        ("from prefect import flow\nclass C:\n    @staticmethod\n    @flow\n    def m(a): ...", "C.m", "m"),
        ("from prefect import flow\nclass C:\n    @classmethod\n    @flow\n    def m(cls, a): ...", "C.m", "m"),
        ("import prefect\nif True:\n    @prefect.flow\n    def f(): ...", "f", "f"),
        ("from prefect import flow\nimport os\n@flow(name=os.environ['A'])\ndef f(): ...", "f", None),
    ],
)
def test_a_flow_is_found_however_it_is_declared(root: Path, text: str, function: str, name: str | None) -> None:
    write(root, "a.py", text)

    found = only(find_flows(root))

    assert (found.function, found.name, found.entrypoint) == (function, name, f"a.py:{function}")


@pytest.mark.parametrize(
    "text",
    [
        "from prefect import task\n@task\ndef flow(): ...",
        "from other import flow  # not of prefect\n@flow\ndef f(): ...",
        "'''from prefect import flow\n@flow\ndef f(): ...'''",
        "def flow(f): return f  # prefect's is another\n@flow\ndef f(): ...",
    ],
)
def test_what_only_looks_like_a_flow_is_left_out(root: Path, text: str) -> None:
    write(root, "a.py", text)

    assert find_flows(root).flows == ()


def test_methods_are_listed_without_their_first_argument(root: Path) -> None:
    text = (
        "from prefect import flow\nclass C:\n    @flow\n    def a(self, x): ...\n"
        "    @classmethod\n    @flow\n    def b(cls, x): ...\n    @staticmethod\n    @flow\n    def c(x): ...\n"
    )
    write(root, "a.py", text)

    assert [[each.name for each in flow.parameters] for flow in find_flows(root).flows] == [["x"]] * 3


def test_parameters_are_told_as_they_are_written(root: Path) -> None:
    write(
        root, "a.py", "from prefect import flow\n@flow\ndef f(a, /, b: int, c: str = 'x', *d, e: bool, g=1, **h): ..."
    )

    assert only(find_flows(root)).parameters == (
        Parameter("a", None, None, required=True),
        Parameter("b", "int", None, required=True),
        Parameter("c", "str", "'x'", required=False),
        Parameter("e", "bool", None, required=True),
        Parameter("g", None, "1", required=False),
        Parameter("*d", None, None, required=False),
        Parameter("**h", None, None, required=False),
    )


@pytest.mark.parametrize(
    ("tail", "has_main"),
    [
        ("if __name__ == '__main__':\n    f()", True),
        ("if '__main__' == __name__:\n    f()", True),
        ("'''\nif __name__ == '__main__':\n'''", False),
        ("if __name__ != '__main__':\n    f()", False),
        ("", False),
    ],
)
def test_a_main_is_seen_in_the_code_and_not_in_a_text(root: Path, tail: str, has_main: bool) -> None:
    write(root, "a.py", f"from prefect import flow\n@flow\ndef f(): ...\n{tail}\n")

    assert only(find_flows(root)).has_main is has_main


def test_deployments_of_all_stacks_are_told_as_users(root: Path) -> None:
    write(root, "flows/a.py", "from prefect import flow\n@flow\ndef pedidos(): ...")
    write(root, "Pulumi.dev.yaml", STACK)
    write(root, "Pulumi.dev-ana.yaml", "config: {}\n")

    assert only(find_flows(root)).uses == (
        Use("dev-ana", "compras", "pedidos-de-la-mañana"),
        Use("dev-ana", "compras", "pedidos-de-la-tarde"),
        Use("dev", "compras", "pedidos-de-la-mañana"),
        Use("dev", "compras", "pedidos-de-la-tarde"),
    )


def test_a_broken_stack_file_is_a_warning(root: Path) -> None:
    write(root, "a.py", "from prefect import flow\n@flow\ndef f(): ...")
    write(root, "Pulumi.dev.yaml", "config: [\n")

    found = find_flows(root)

    assert len(found.flows) == 1
    assert [each.file for each in found.warnings] == ["Pulumi.dev.yaml"]


@pytest.mark.parametrize("areas", ["[]", "text", "{a: null}", "{a: {deployments: 3}}", "{a: {deployments: [x, {}]}}"])
def test_a_stack_file_of_a_strange_shape_stops_nothing(root: Path, areas: str) -> None:
    write(root, "a.py", "from prefect import flow\n@flow\ndef f(): ...")
    write(root, "Pulumi.dev.yaml", f"config:\n  prefect-infra:areas: {areas}\n")

    assert only(find_flows(root)).uses == ()


@pytest.mark.parametrize("text", ["@prefect.flow\ndef (", "prefect flow \0", "# coding: nonsense\nprefect = flow"])
def test_a_file_that_is_no_python_is_a_warning(root: Path, text: str) -> None:
    write(root, "bad.py", text)
    write(root, "good.py", "from prefect import flow\n@flow\ndef f(): ...")

    found = find_flows(root)

    assert [flow.file for flow in found.flows] == ["good.py"]
    assert [each.file for each in found.warnings] == ["bad.py"]


def test_what_git_ignores_is_left_out_and_what_is_not_yet_added_is_in(root: Path) -> None:
    for file in ("tracked.py", "ignored.py", "folder/ignored_too.py", "new ñ.py", "deleted.py"):
        write(root, file, "from prefect import flow\n@flow\ndef f(): ...")
    write(root, ".gitignore", "ignored.py\nfolder/\n")
    git(root, "add", "tracked.py", "deleted.py")
    (root / "deleted.py").unlink()

    assert [flow.file for flow in find_flows(root).flows] == ["new ñ.py", "tracked.py"]


def test_without_git_virtual_environments_are_left_out(tmp_path: Path) -> None:
    for file in ("a.py", ".venv/b.py", "node_modules/c.py", "d/e.py"):
        write(tmp_path, file, "from prefect import flow\n@flow\ndef f(): ...")

    assert [flow.file for flow in find_flows(tmp_path).flows] == ["a.py", "d/e.py"]


def test_nothing_of_a_file_is_run(root: Path) -> None:
    write(root, "a.py", "open('ran', 'w')\nfrom prefect import flow\n@flow\ndef f(a=open('ran', 'w')): ...")

    assert only(find_flows(root)).function == "f"
    assert not (root / "ran").exists()


def test_every_flow_that_is_listed_can_be_deployed_by_its_entrypoint() -> None:
    """The listing and the stack's rules agree about what a flow is, on all flows of this repository."""
    here = Path(__file__).parents[3]
    found = find_flows(here).flows

    assert any(flow.file.startswith("flows/") for flow in found)
    for flow in found:
        known = Entrypoints(here).flow(flow.entrypoint)
        assert (known.name, list(known.signature.names)) == (
            flow.name,
            [each.name for each in flow.parameters if not each.name.startswith("*")],
        )


def command(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    call = "from infra.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", call, "flows", *words],
        cwd=root,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(root: Path) -> Path:
    write(root, "Pulumi.yaml", "name: prefect-infra\n")
    write(root, "infra/__main__.py", "")
    write(root, "Pulumi.dev.yaml", STACK)
    write(root, "flows/a.py", "from prefect import flow\n@flow\ndef pedidos(dia: str): ...")
    write(root, "flows/bad.py", "from prefect import flow\n@flow\ndef (")
    return root


@pytest.mark.thorough
def test_the_json_listing_is_only_json_and_complaints_go_to_stderr(checkout: Path) -> None:
    done = command(checkout, "--json")

    assert done.returncode == 0
    (listed,) = json.loads(done.stdout)
    assert listed == {
        "entrypoint": "flows/a.py:pedidos",
        "file": "flows/a.py",
        "line": 3,
        "function": "pedidos",
        "name": "pedidos",
        "is_async": False,
        "parameters": [{"name": "dia", "annotation": "str", "default": None, "required": True}],
        "has_main": False,
        "uses": [
            {"stack": "dev", "area": "compras", "deployment": "pedidos-de-la-mañana"},
            {"stack": "dev", "area": "compras", "deployment": "pedidos-de-la-tarde"},
        ],
    }
    assert "flows/bad.py" in done.stderr
    assert "line 3" in done.stderr


@pytest.mark.thorough
def test_the_listing_is_whole_lines_when_it_is_no_terminal(checkout: Path) -> None:
    done = command(checkout)

    heading, line = done.stdout.splitlines()
    assert heading.split() == ["entrypoint", "line", "flow", "parameters", "main", "used", "by"]
    assert line.split() == [
        *("flows/a.py:pedidos", "3", "pedidos", "dia*", "no"),
        *("dev/pedidos-de-la-mañana,", "dev/pedidos-de-la-tarde"),
    ]


@pytest.mark.thorough
def test_five_thousand_files_take_seconds(root: Path) -> None:
    """Measured against what merely parsing a tenth of them costs on this machine, as busy as it may be."""
    code = "\n".join(f"def funcion_{n}(a: int) -> int:\n    return a * {n}\n" for n in range(40))
    with_flow = f"from prefect import flow\n{code}\n@flow\ndef f(a: int): ...\n"
    for n in range(5000):
        write(root, f"p{n % 50}/m{n}.py", with_flow if n % 10 == 0 else code)
    started = time.process_time()
    for _ in range(500):
        ast.parse(with_flow)
    parsing = time.process_time() - started

    started = time.process_time()
    found = find_flows(root)
    spent = time.process_time() - started

    assert len(found.flows) == 500
    assert spent < max(5.0, 4 * parsing)
