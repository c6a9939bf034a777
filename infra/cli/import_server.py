"""`prefect-infra import server`: what an existing Prefect server has, as a stack's files and in its state."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from infra.adoption.application import write_whole
from infra.adoption.server import Draft, ServerRows, Surroundings, Target, drafted
from infra.cli.console import checkout, err, fail, step
from infra.cli.pulumi import Pulumi
from infra.inventory import read_server
from infra.model import StackErrors, timezones
from infra.model.declared import AREA_NAME, ENVIRONMENT_NAME
from infra.provider.connection import SETTINGS, Connection
from infra.provider.errors import ProviderError

IMPORTS = Path(".state") / "imports"
IMPORT_VARIABLE = "PREFECT_INFRA_IMPORT"
"""What tells the program of the import file: see infra/components/importing.py."""


def import_server(
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack to make; it must not have a file yet.")],
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="A Prefect profile; else the active one.")
    ] = None,
    api_url: Annotated[str | None, typer.Option("--api-url", help="The server, rather than a profile's.")] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(
            "--area", "-a", metavar="POOL=AREA", help="What the area of a work pool is called; may be repeated."
        ),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="Default: the stack's name up to its first dash.")
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="Of the stack.")] = timezones.BUENOS_AIRES,
    *,
    area_files: Annotated[bool, typer.Option("--area-files", help="Each area in a file of its own.")] = False,
    with_changes: Annotated[
        bool, typer.Option("--with-changes", help="Take along what can only be said with a difference, and tell it.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the files. Without it, they are shown.")] = False,
    into_state: Annotated[
        bool, typer.Option("--into-state", help="Also take the objects into the stack's state. Implies --write.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before the state is written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The files and what is told, as JSON.")] = False,
) -> None:
    """Turn what an existing Prefect server has into a stack, whose next preview is empty.

    Work pools, queues, deployments with their schedules and triggers, variables, global and tag concurrency limits.
    What can't be said as it is, is left out and stays as it is, with the reason. The server is only read.

    Example: `prefect-infra import server --profile viejo --stack viejo --environment prod --into-state`
    """
    root = checkout()
    target = _target(root, stack, environment, timezone, area or [], area_files=area_files, with_changes=with_changes)
    connection = _connection(profile, api_url)
    unsaid = [what for what, given in _not_in_a_stack(connection) if given]
    if unsaid and into_state:
        fail(f"the server is reached by {', '.join(unsaid)}, which no stack can say: leave --into-state out")
    rows = _read(connection)
    target = _for_server(target, rows, auth=connection.auth_string is not None)
    try:
        draft, made = drafted(rows, target)
    except StackErrors as errors:
        fail(f"no valid stack can be made of it; nothing was written\n{errors}")
    resources = list(draft.resources(made))
    if as_json:
        typer.echo(json.dumps(_as_data(draft, resources), indent=2, ensure_ascii=False))
    else:
        _tell(draft, resources, write=write or into_state)
    if not (write or into_state):
        err.print(f"Nothing was written: --write writes {', '.join(draft.texts())}.", markup=False)
        return
    if into_state and not (yes or typer.confirm(f"Write the files, and take {len(resources)} objects into the state?")):
        raise typer.Exit(1)
    if unsaid:
        err.print(f"{', '.join(unsaid)}: no stack can say so; give it to Pulumi's provider by hand", markup=False)
    import_file = _written(root, draft, resources)
    if connection.auth_string is not None and not into_state:
        err.print("Then: pulumi config set --secret prefect-infra:auth_string", markup=False)
    if into_state:
        _into_state(Pulumi(root, stack), import_file, connection, with_changes=with_changes)
    else:
        err.print(
            f"Into the state: pulumi stack init {stack}; {IMPORT_VARIABLE}={import_file} pulumi up --stack {stack}",
            markup=False,
        )


def _target(
    root: Path,
    stack: str,
    environment: str | None,
    timezone: str,
    named: list[str],
    *,
    area_files: bool,
    with_changes: bool,
) -> Target:
    environment = environment or stack.partition("-")[0]
    if not re.fullmatch(ENVIRONMENT_NAME, environment):
        fail(f"the environment would be {environment!r}: small letters and digits; give it by --environment", 2)
    if (root / f"Pulumi.{stack}.yaml").exists():
        fail(f"there is a Pulumi.{stack}.yaml already: name another stack, or move the file away first", 2)
    if (base := _base(root, stack)) is not None:
        fail(
            f"{stack} would have the keys of {base} that it doesn't set itself: choose a name that begins otherwise", 2
        )
    areas: dict[str, str] = {}
    for each in named:
        pool, equals, name = each.rpartition("=")
        if not equals or not re.fullmatch(AREA_NAME, name):
            fail(f"--area is {each!r}: POOL=AREA, the area in small letters, digits and _", 2)
        areas[pool] = name
    if len(set(areas.values())) < len(areas):
        fail("--area: each area has one work pool", 2)
    try:
        zone = timezones.normalise(timezone)
    except timezones.TimezoneError as error:
        fail(f"{error} ({error.hint})", 2)
    around = Surroundings(
        timezone=zone,
        active=environment != "dev",
        is_here=lambda path: (root / path).is_file(),
        with_changes=with_changes,
        now=datetime.now(ZoneInfo(zone)),
    )
    return Target(
        root=root, stack=stack, environment=environment, auth=False, areas=areas, area_files=area_files, around=around
    )


def _base(root: Path, stack: str) -> str | None:
    """The file that a personal stack of this name is based on."""
    while "-" in stack:
        stack = stack.rpartition("-")[0]
        if (root / f"Pulumi.{stack}.yaml").exists():
            return f"Pulumi.{stack}.yaml"
    return None


def _connection(profile: str | None, api_url: str | None) -> Connection:
    if profile and api_url:
        fail("--profile and --api-url exclude each other", 2)
    properties: dict[str, Any] = {"profile": profile, "api_url": api_url}
    if api_url and os.environ.get(SETTINGS["api_url"], "").rstrip("/") == api_url.rstrip("/"):
        # Credentials that are exported for this server, and for no other.
        properties["auth_string"] = os.environ.get(SETTINGS["auth_string"])
    try:
        return Connection.resolve(properties)
    except ProviderError as error:
        fail(str(error))


def _not_in_a_stack(connection: Connection) -> tuple[tuple[str, bool], ...]:
    return (
        ("an API key", connection.api_key is not None and connection.auth_string is None),
        ("headers of its own", bool(connection.headers)),
        ("a certificate authority of its own", connection.ca_file is not None),
    )


def _read(connection: Connection) -> ServerRows:
    try:
        with step(f"Reading {connection.api_url}"):
            return asyncio.run(read_server(connection))
    except ProviderError as error:
        fail(str(error))


def _for_server(target: Target, rows: ServerRows, *, auth: bool) -> Target:
    unknown = sorted(target.areas.keys() - {row["name"] for row in rows.pools})
    if unknown:
        there = ", ".join(row["name"] for row in rows.pools) or "none"
        fail(f"--area: the server has no work pool {', '.join(map(repr, unknown))}; there are: {there}", 2)
    taken = [f"areas/{name}.yaml" for name in target.areas.values() if target.area_files]
    if there_already := [path for path in taken if (target.root / path).exists()]:
        fail(
            f"there is {', '.join(there_already)} already: leave --area-files out, or choose another name by --area", 2
        )
    return Target(**{**vars(target), "auth": auth})


def _as_data(draft: Draft, resources: list[dict[str, str]]) -> dict[str, Any]:
    remarks = [each._asdict() for each in draft.remarks]
    return {"files": draft.texts(), "remarks": remarks, "resources": resources}


def _tell(draft: Draft, resources: list[dict[str, str]], *, write: bool) -> None:
    for remark in draft.remarks:
        err.print(str(remark), markup=False)
    if not write:
        for path, text in draft.texts().items():
            typer.echo(f"# {path}\n{text}")
    counted = Counter(each["type"].rpartition(":")[2] for each in resources)
    err.print(
        ", ".join(f"{number} {kind}" for kind, number in counted.items()) or "The server has nothing.", markup=False
    )


def _written(root: Path, draft: Draft, resources: list[dict[str, str]]) -> str:
    texts = draft.texts()
    if there := [path for path in texts if (root / path).exists()]:
        fail(f"there is {', '.join(there)} already: nothing was written")
    path = IMPORTS / f"{draft.target.stack}.json"
    write_whole(root / path, (json.dumps({"resources": resources}, indent=2) + "\n").encode())
    for name, text in sorted(texts.items(), key=lambda each: each[0].startswith("Pulumi.")):
        write_whole(root / name, text.encode())
    err.print(f"written: {', '.join((*texts, str(path)))}", markup=False)
    return str(root / path)


def _into_state(pulumi: Pulumi, import_file: str, connection: Connection, *, with_changes: bool) -> None:
    if not pulumi.exists() and pulumi.show("stack", "init", pulumi.stack) != 0:
        fail("the stack could not be made; its files are written")
    if connection.auth_string is not None:
        _set_secret(pulumi, "auth_string", connection.auth_string)
    importing = replace(pulumi, extra={IMPORT_VARIABLE: import_file})
    if not with_changes:
        _refuse_changes(importing)
    if importing.show("up", "--yes", "--skip-preview", "--stack", pulumi.stack) != 0:
        fail(f"not all of it is in the state: see above, then {IMPORT_VARIABLE}={import_file} pulumi up")
    if pulumi.show("preview", "--expect-no-changes", "--stack", pulumi.stack) != 0:
        fail("the preview is not empty: see above")


def _refuse_changes(importing: Pulumi) -> None:
    """In one `up`, Pulumi would import an object and change it: nothing of the sort was asked for."""
    with step("Looking at what Pulumi would do"):
        answer = importing.ask("preview", "--json", "--stack", importing.stack)
    if answer.returncode != 0:
        fail(f"the preview failed; the files are written\n{answer.stdout}{answer.stderr}".rstrip())
    steps = json.loads(answer.stdout).get("steps", [])
    changing = [each for each in steps if each["op"] not in ("import", "same") and "::prefect:index:" in each["urn"]]
    if changing:
        told = "\n".join(f"  {each['op']} {each['urn'].rpartition('::')[2]}" for each in changing)
        fail(f"Pulumi would do more than import, so nothing was; the files are written\n{told}")


def _set_secret(pulumi: Pulumi, name: str, value: str) -> None:
    done = pulumi.tell(value, "config", "set", "--secret", f"prefect-infra:{name}", "--stack", pulumi.stack)
    if done.returncode != 0:
        fail(f"the secret {name} could not be set: {done.stderr.strip()}")
