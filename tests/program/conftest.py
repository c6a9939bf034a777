"""The whole program under Pulumi's mocks: what it would make, without an engine, a server or a plugin."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks, settings
from pulumi.runtime.stack import run_pulumi_func
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
RAN: dict[tuple[str, bool], Any] = {}
"""A stack file as it stands makes the same each time."""


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """What was registered: by type and name, with its inputs."""

    made: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    waits_for: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    """The same, and of the same, what has to be there first."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.made[args.typ, args.name] = args.inputs
        known: dict[str, Any] = {"number": 4321, "image_id": "sha256:0", "value": "s3cr3t", "work_pool_id": "uuid"}
        if args.typ.endswith(":PushedImage"):
            known["reference"] = f"{args.inputs['name'].rpartition(':')[0]}@sha256:0"
        if args.typ.endswith(":LocalCertificate"):
            known |= {"certificate": "PEM", "key": "s3cr3t", "authority": "AUTHORITY"}
        known["block_document_id"] = "block-uuid"
        return f"{args.name}-id", {**args.inputs, **known}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        if args.token == "prefect:index:getServerVersion":
            return {"version": "3.8.8"}
        raise AssertionError(f"the program calls no other function, called {args.token}")

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: inputs for (token, name), inputs in self.made.items() if token.endswith(f":{kind}")}


class Monitor(mocks.MockMonitor):
    mocks: Recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # gRPC names its methods so
        known = (urn.split("::")[2:] for urn in request.dependencies)
        self.mocks.waits_for[request.type, request.name] = {(kind.rpartition("$")[2], name) for kind, name in known}
        return super().RegisterResource(request)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorder]]:
    """Runs the program as a stack whose file is another stack's; a copy of the checkout without a set-up."""
    for name in ("flows", "workers", "infra"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "areas", tmp_path / "areas")  # no links: an area's file must be within the project
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy2(file, tmp_path)
    (tmp_path / ".state").mkdir()
    facts = {
        "base_image": "localhost/prefect-infra/base:test",
        "base_image_origin": "bootstrapped",
        "pulumi": {"path": "", "bin": "", "version": "", "origin": "machine"},
        "docker_plugin": {"path": "", "version": "", "origin": "built"},
        "docker": {"host": "", "version": ""},
    }
    (tmp_path / ".state" / "toolchain.json").write_text(json.dumps(facts))

    def run(
        base: str = "dev",
        change: Callable[[dict[str, Any]], None] | None = None,
        *,
        preview: bool = False,
        fresh: bool = False,
        secrets: dict[str, str] | None = None,
    ) -> Any:
        if change is None and (base, preview) in RAN and not fresh:
            return RAN[base, preview]
        document = YAML(typ="safe").load((ROOT / f"Pulumi.{base}.yaml").read_text())
        config = {key.split(":", 1)[1]: value for key, value in document["config"].items()}
        if change:
            for area, file in config["areas"].items():  # so that all can be changed in one place
                config["areas"][area] = YAML(typ="safe").load((ROOT / file).read_text())
            change(config)
        with (tmp_path / f"Pulumi.{base}.yaml").open("w") as file:
            YAML().dump({"config": {f"prefect-infra:{key}": value for key, value in config.items()}}, file)
        flat = {
            f"prefect-infra:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in config.items()
        }
        given = {f"prefect-infra:{key}": value for key, value in (secrets or {}).items()}
        recorder = Recorder()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        settings.reset_options(project="prefect-infra", stack=base)
        mocks.set_mocks(recorder, "prefect-infra", base, preview, monitor=Monitor(recorder))
        runtime_config.set_all_config({**flat, **given}, list(given))
        monkeypatch.chdir(tmp_path / "infra")
        # Path.cwd() follows the link to the real infra/: the program must see the copy.
        monkeypatch.setattr(Path, "cwd", classmethod(lambda _: tmp_path / "infra"))
        try:
            loop.run_until_complete(run_pulumi_func(lambda: runpy.run_module("infra", run_name="__main__")))
        finally:
            settings.reset_options()
            loop.close()
        if change is None:
            RAN[base, preview] = recorder
        return recorder

    yield run
    os.chdir(ROOT)
