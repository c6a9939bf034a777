"""Pulumi's environment for this checkout: its own home, state, toolchain and, for dev stacks, passphrase.

`.venv/bin/pulumi` runs this file by itself, before each command: only light modules, no dataclass, no pathlib.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
PROD_LOCAL = "prod-local"
"""Prod on this machine, for a trial: its secrets are worth nothing once it is gone."""
_STACK_COMMANDS = ("init", "select", "rm", "remove", "rename")
_SCRIPT = """\
#!/bin/sh
exec "{python}" -SI "{launcher}" "$@"
"""


def environment(
    root: str | os.PathLike[str], stack: str | None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables to run Pulumi with on that stack, beyond those in `environ`; what the user set there stays."""
    env = os.environ if environ is None else environ
    root = os.fspath(root)
    facts = _facts(root)
    state = f"{root}/.state"
    folders = [f"{root}/.venv/bin", facts["pulumi"]["bin"], *env.get("PATH", os.defpath).split(os.pathsep)]
    ours = {
        "PATH": os.pathsep.join(dict.fromkeys(folders)),
        # The language host takes the interpreter from here; not all of them know the `virtualenv` option.
        "PULUMI_PYTHON_CMD": f"{root}/.venv/bin/python",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    # Asks the plugins what differs while the program goes on: a sixth less time where nothing does.
    if not env.get("PULUMI_PARALLEL_DIFF"):
        ours["PULUMI_PARALLEL_DIFF"] = "true"
    # Its garbage collector takes a tenth of an `up` of a thousand resources; this trades that for 150 MB.
    if not env.get("GOGC"):
        ours["GOGC"] = "400"
    if not env.get("PULUMI_HOME"):
        ours["PULUMI_HOME"] = f"{state}/home"
    backend = env.get("PULUMI_BACKEND_URL")
    if not backend and _line(f"{root}/Pulumi.yaml", "backend:") is None:
        backend = f"file://{state}/pulumi"
    if backend and backend.startswith("file://"):
        ours["PULUMI_BACKEND_URL"] = _without_hashes(backend)
    host = remote_host(root, stack) if stack else None
    if host:  # whatever else is set: a stack is where its file says, and nowhere else
        ours["DOCKER_HOST"] = host
        # Each operation comes in by a connection of its own, and sshd drops some of more than ten that begin at once.
        if not env.get("PULUMI_PARALLEL"):
            ours["PULUMI_PARALLEL"] = "8"
    elif not env.get("DOCKER_HOST") and facts["docker"]["host"]:
        ours["DOCKER_HOST"] = facts["docker"]["host"]
    own_passphrase = "PULUMI_CONFIG_PASSPHRASE" in env or "PULUMI_CONFIG_PASSPHRASE_FILE" in env
    if stack and not own_passphrase and (stack == PROD_LOCAL or is_dev(root, stack)):
        ours["PULUMI_CONFIG_PASSPHRASE_FILE"] = f"{state}/passphrase"
    return ours


def is_dev(root: str | os.PathLike[str], stack: str) -> bool:
    """Whether the stack is one of development: its file says so; where it says nothing, its name does.

    A throwaway one is, whatever it is made from: it has no secret that anybody else would have to read.
    """
    name = stack.rsplit("/", 1)[-1]
    file = f"{os.fspath(root)}/Pulumi.{name}.yaml"
    if _line(file, "prefect-infra:throwaway:", indented=True) is not None:
        return True
    declared = _line(file, "prefect-infra:environment:", indented=True)
    if declared is not None:
        return declared == "dev"
    return name == "dev" or name.startswith(("dev-", "t-"))


def remote_host(root: str | os.PathLike[str], stack: str) -> str | None:
    """The other machine that the stack's file says it is on, or the file that a personal stack takes its keys from.

    A throwaway stack is on this one, whatever it is made from.
    """
    name = stack.rsplit("/", 1)[-1]
    own = f"{os.fspath(root)}/Pulumi.{name}.yaml"
    if _line(own, "prefect-infra:throwaway:", indented=True) is not None:
        return None
    declared = _line(own, "prefect-infra:host:", indented=True)
    while declared is None and "-" in name:
        name = name.rpartition("-")[0]
        base = f"{os.fspath(root)}/Pulumi.{name}.yaml"
        if os.path.exists(base):  # noqa: PTH110
            return _line(base, "prefect-infra:host:", indented=True) or None
    return declared or None


def remote_hosts(root: str | os.PathLike[str]) -> dict[str, list[str]]:
    """By machine, the stacks with a file that are on it."""
    found: dict[str, list[str]] = {}
    files = [file for file in os.listdir(root) if file.startswith("Pulumi.") and file.endswith(".yaml")]  # noqa: PTH208
    for stack in sorted(file[len("Pulumi.") : -len(".yaml")] for file in files if file != "Pulumi.yaml"):
        if host := remote_host(root, stack):
            found.setdefault(host, []).append(stack)
    return found


def stack_at_hand(root: str, arguments: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """The stack that a `pulumi` command line is about: named in it, in PULUMI_STACK, or selected before."""
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word in ("--stack", "-s"):
            return next(rest, None)
        if word.startswith("--stack="):
            return word.removeprefix("--stack=")
        if word.startswith("-s") and not word.startswith("--"):
            return word.removeprefix("-s").removeprefix("=")
        if word == "--":
            break
        if not word.startswith("-"):
            words.append(word)
    if len(words) > 2 and words[0] == "stack" and words[1] in _STACK_COMMANDS:  # noqa: PLR2004
        return words[2]
    return environ.get("PULUMI_STACK") or _selected(root, environ)


def install(root: str | os.PathLike[str]) -> None:
    """Puts `pulumi` into the virtualenv, so that activating it is all one has to do."""
    script = f"{os.fspath(root)}/.venv/bin/pulumi"
    text = _SCRIPT.format(python=f"{os.fspath(root)}/.venv/bin/python", launcher=os.path.abspath(__file__))  # noqa: PTH100
    if _read(script) == text:
        return
    aside = f"{script}.{os.getpid()}"
    with open(aside, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    os.chmod(aside, 0o755)  # noqa: PTH101, S103
    os.replace(aside, script)  # noqa: PTH105


def main() -> None:
    """Becomes the real Pulumi, with this checkout's environment."""
    arguments = sys.argv[1:]
    try:
        ours = environment(_ROOT, stack_at_hand(_ROOT, arguments, os.environ))
        program = _facts(_ROOT)["pulumi"]["path"]
        # Started by `&` from a script, a program ignores SIGINT, and so do those that it starts. But that is how Pulumi
        # ends its plugins: it would wait five seconds for each phase's to heed it. Pulumi itself heeds it anyway.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(program, [program, *arguments], {**os.environ, **ours})  # noqa: S606
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"pulumi: the toolchain of {_ROOT} is not set up ({error}): run `make setup`")


def _without_hashes(backend: str) -> str:
    """The folder's URL, told to keep no file of hashes beside each file.

    Nothing reads one, and it is a tenth of what a checkpoint costs. It isn't written in one piece as the state is,
    either: a Pulumi that is killed in the midst leaves it empty, and from then on each command ends with `failed to
    load checkpoint: EOF`.
    """
    return backend if "?" in backend else f"{backend}?metadata=skip"


def _facts(root: str) -> dict[str, dict[str, str]]:
    with open(f"{root}/.state/toolchain.json", encoding="utf-8") as file:  # noqa: PTH123
        facts: dict[str, dict[str, str]] = json.load(file)
    return facts


def _selected(root: str, environ: Mapping[str, str]) -> str | None:
    """The stack of `pulumi stack select`, which Pulumi keeps in a file named after the project file's path."""
    import hashlib  # noqa: PLC0415 - only this way in needs it

    home = environ.get("PULUMI_HOME") or f"{root}/.state/home"
    project = f"{root}/Pulumi.yaml"
    path = hashlib.sha1(project.encode(), usedforsecurity=False).hexdigest()
    text = _read(f"{home}/workspaces/{_line(project, 'name:')}-{path}-workspace.json")
    if not text:
        return None
    stack: str | None = json.loads(text).get("stack")
    return stack


def _line(path: str, key: str, *, indented: bool = False) -> str | None:
    """The plain value after `key` on a line of a YAML file; None when the file or the key is not there."""
    for line in _read(path).splitlines():
        if (line.lstrip() if indented else line).startswith(key):
            return line.split("#", 1)[0].strip().removeprefix(key).strip().strip("'\"")
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    main()
