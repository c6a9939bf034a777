"""The small kinds by Pulumi's own command: made, edited by somebody else, seen, put back, imported and destroyed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patient import Patient
from tests.provider.test_programs import CANARY, ROOT, STACK, run

pytestmark = [pytest.mark.server, pytest.mark.thorough]
TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["lista.recibida"], "threshold": 1, "within": 0}
RESOURCES: dict[str, Any] = {
    "pool": {"type": "prefect:WorkPool", "properties": {"name": "cli", "type": "process"}},
    "cola": {
        "type": "prefect:WorkQueue",
        "properties": {
            "work_pool_name": "${pool.name}",
            "work_pool_id": "${pool.work_pool_id}",
            "name": "urgente",
            "concurrency_limit": 2,
        },
    },
    "tasa": {"type": "prefect:Variable", "properties": {"name": "cli-tasa", "value": {"compra": 1.5}, "tags": ["a"]}},
    "erp": {"type": "prefect:GlobalConcurrencyLimit", "properties": {"name": "cli-erp", "limit": 5}},
    "base": {"type": "prefect:TagConcurrencyLimit", "properties": {"tag": "cli-base", "concurrency_limit": 3}},
    "aviso": {
        "type": "prefect:Automation",
        "properties": {"name": "cli-aviso", "trigger": TRIGGER, "actions": [{"type": "do-nothing"}], "tags": ["a"]},
    },
    "clave": {
        "type": "prefect:Block",
        "properties": {"name": "cli-clave", "type_slug": "secret", "data": {"value": CANARY}},
    },
}


class Server:
    """Somebody else, at the API."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/", transport=Patient(), timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def is_there(self, path: str) -> bool:
        return self._client.get(path).is_success


@pytest.fixture
def program(tmp_path: Path, prefect_server: str) -> Callable[..., str]:
    """Pulumi's command with a program of these resources."""
    folder, backend = tmp_path / "program", tmp_path / "backend"
    folder.mkdir()
    backend.mkdir()
    write(folder, RESOURCES)

    def pulumi(*arguments: str) -> str:
        # The file of profiles is not anybody's.
        done = run(*arguments, folder=folder, backend=backend, PREFECT_PROFILES_PATH=str(tmp_path / "profiles.toml"))
        assert CANARY not in done.stdout + done.stderr
        return done.stdout + done.stderr

    pulumi("stack", "init", STACK)
    pulumi("config", "set", "prefect:api_url", prefect_server)
    return pulumi


def write(folder: Path, resources: Mapping[str, Any]) -> None:
    provider = {"name": "prefect", "path": os.path.relpath(ROOT / "infra" / "provider", folder)}
    project = {"name": "objetos", "runtime": "yaml", "plugins": {"providers": [provider]}, "resources": resources}
    (folder / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")


def paths(pulumi: Callable[..., str]) -> dict[str, str]:
    """Where each object is, by its name in the program."""
    state = json.loads(pulumi("stack", "export"))["deployment"]["resources"]
    ids = {item["urn"].rsplit("::", 1)[-1]: item.get("id", "") for item in state}
    return {
        "pool": "work_pools/cli",
        "cola": "work_pools/cli/queues/urgente",
        "tasa": "variables/name/cli-tasa",
        "erp": "v2/concurrency_limits/cli-erp",
        "base": "concurrency_limits/tag/cli-base",
        "aviso": f"automations/{ids['aviso']}",
        "clave": f"block_documents/{ids['clave']}",
    }


def found(server: Server, where: Mapping[str, str]) -> dict[str, Any]:
    """What counts of each."""
    row = {name: server.ask("GET", path) for name, path in where.items()}
    secret = server.ask("GET", f"{where['clave']}?include_secrets=true")
    return {
        "pool": row["pool"]["description"],
        "cola": row["cola"]["concurrency_limit"],
        "tasa": (row["tasa"]["value"], row["tasa"]["tags"]),
        "erp": row["erp"]["limit"],
        "base": row["base"]["concurrency_limit"],
        "aviso": (row["aviso"]["trigger"]["threshold"], row["aviso"]["tags"]),
        "clave": secret["data"]["value"],
    }


def edit(server: Server, where: Mapping[str, str]) -> None:
    server.ask("PATCH", where["pool"], {"description": "UI"})
    server.ask("PATCH", where["cola"], {"concurrency_limit": 9})
    server.ask("PATCH", where["tasa"], {"value": {"compra": 1.5, "venta": None}, "tags": []})
    server.ask("PATCH", where["erp"], {"limit": 77})
    server.ask("POST", "concurrency_limits/", {"tag": "cli-base", "concurrency_limit": 8})
    row = server.ask("GET", where["aviso"])
    keys = ("name", "description", "enabled", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
    body = {key: row[key] for key in keys} | {"tags": ["ui"], "trigger": {**row["trigger"], "threshold": 4}}
    server.ask("PUT", where["aviso"], body)
    server.ask("PATCH", where["clave"], {"data": {"value": "de-la-UI"}})


DRIFT = {
    "pool": {"description"},
    "cola": {"concurrency_limit"},
    "tasa": {"tags", "value"},
    "erp": {"limit"},
    "base": {"concurrency_limit"},
    "aviso": {"tags", "trigger"},
    "clave": {"data"},
}


def test_each_edit_is_seen_and_put_back_and_destroy_leaves_nothing(
    program: Callable[..., str], prefect_server: str
) -> None:
    server = Server(prefect_server)
    program("up", "--yes", "--skip-preview")
    where = paths(program)
    declared = found(server, where)
    edit(server, where)
    edited = found(server, where)
    assert not [name for name in declared if declared[name] == edited[name]]

    told = json.loads(program("preview", "--refresh", "--json"))
    seen = {
        step["urn"].rsplit("::", 1)[-1]: {path.split(".")[0].split("[")[0] for path in step["detailedDiff"]}
        for step in told["steps"]
        if step["op"] == "update"
    }
    assert seen == DRIFT
    shown = program("refresh", "--preview-only", "--diff")
    assert all(f"::{name}]" in shown for name in DRIFT)

    program("up", "--yes", "--skip-preview", "--refresh")
    assert found(server, where) == declared
    program("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")

    program("destroy", "--yes", "--skip-preview")
    assert not [path for path in where.values() if server.is_there(path)]


GIT = "prefect.deployments.steps.git_clone"


def with_secrets(profiles: Path, secret: str) -> dict[str, Any]:
    """A program that marks its secrets, but for those of a profile, which are secret by themselves."""
    marked = {"fn::secret": secret}
    return {
        "pool": {"type": "prefect:WorkPool", "properties": {"name": "cli-secretos", "type": "process"}},
        "lista": {
            "type": "prefect:Deployment",
            "properties": {
                "name": "cli-lista",
                "flow_name": "cli_lista",
                "entrypoint": "a.py:f",
                "work_pool_name": "${pool.name}",
                "job_variables": {"env": {"NIVEL": "INFO", "ERP_PASSWORD": marked}},
                "pull_steps": [{GIT: {"repository": "https://git.example.com/x.git", "access_token": marked}}],
                "parameters": {"clave": marked},
            },
        },
        "acceso": {
            "type": "prefect:Variable",
            "properties": {"name": "cli-acceso", "value": {"usuario": "compras", "clave": marked}},
        },
        "perfil": {
            "type": "prefect:Profile",
            "properties": {
                "name": "cli-perfil",
                "api_url": "http://127.0.0.1:4200/api",
                "file": str(profiles),
                "auth_string": f"admin:{secret}",
                "settings": {"PREFECT_API_KEY": secret, "PREFECT_LOGGING_LEVEL": "INFO"},
            },
        },
    }


def test_no_secret_is_told_by_a_diff_or_in_debugging_nor_kept_in_plain(
    program: Callable[..., str], prefect_server: str, tmp_path: Path
) -> None:
    """`program` holds each command's output against it. What people write is no less secret than what was there."""
    server, folder, profiles = Server(prefect_server), tmp_path / "program", tmp_path / "perfiles.toml"

    def state() -> str:
        kept = [path for path in (tmp_path / "backend").rglob("*") if path.is_file()]
        assert not [path for path in kept if CANARY.encode() in path.read_bytes()]
        return program("stack", "export")

    write(folder, with_secrets(profiles, CANARY))
    assert "debug" in program("preview", "--diff", "--debug").lower()
    program("up", "--yes", "--skip-preview", "--debug")
    lista = json.loads(state())["deployment"]["resources"]
    [id_] = [item["id"] for item in lista if item["urn"].endswith("::lista")]

    write(folder, with_secrets(profiles, f"{CANARY}-2"))
    assert "ERP_PASSWORD" in program("preview", "--diff", "--debug")
    program("up", "--yes", "--skip-preview", "--debug")

    env = {"NIVEL": "DEBUG", "ERP_PASSWORD": f"{CANARY}-3", "OTRO_TOKEN": CANARY, "BASE": f"redis://u:{CANARY}@r/0"}
    step = {GIT: {"repository": f"https://u:{CANARY}@git.example.com/x.git"}}
    server.ask("PATCH", f"deployments/{id_}", {"job_variables": {"env": env}, "pull_steps": [step]})
    server.ask("PATCH", "variables/name/cli-acceso", {"value": f"compras:{CANARY}"})
    people = f'PREFECT_SERVER_DATABASE_PASSWORD = "{CANARY}"\n'
    profiles.write_text(profiles.read_text() + people)
    told = program("refresh", "--preview-only", "--diff", "--debug")
    assert all(f"::{name}]" in told for name in ("lista", "acceso", "perfil"))
    assert "OTRO_TOKEN" in told
    program("preview", "--refresh", "--diff", "--json")
    program("refresh", "--yes", "--skip-preview", "--debug")
    state()
    program("up", "--yes", "--skip-preview", "--diff", "--debug")
    state()
    program("destroy", "--yes", "--skip-preview", "--debug")


def test_a_null_that_a_program_in_python_says_inside_of_a_value_is_written_and_kept(
    program: Callable[..., str], prefect_server: str, tmp_path: Path
) -> None:
    server = Server(prefect_server)
    path, value = "variables/name/cli-nulo", {"compra": 1.5, "venta": None}
    project = json.loads((tmp_path / "program" / "Pulumi.yaml").read_text())
    del project["resources"]
    (tmp_path / "program" / "Pulumi.yaml").write_text(json.dumps({**project, "runtime": "python"}))
    source = f"import sys\n\nsys.path.insert(0, {str(ROOT)!r})\nfrom infra import resources as prefect\n\n"
    source += f"prefect.Variable('tasa', name='cli-nulo', value={value!r})\n"
    (tmp_path / "program" / "__main__.py").write_text(source)

    program("up", "--yes", "--skip-preview")
    assert server.ask("GET", path)["value"] == value
    program("preview", "--refresh", "--expect-no-changes")
    server.ask("PATCH", path, {"value": {"compra": 1.5}})
    program("up", "--yes", "--skip-preview", "--refresh")
    assert server.ask("GET", path)["value"] == value
    program("destroy", "--yes", "--skip-preview")


PROFILE = '[profiles.mio]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\nPREFECT_LOGGING_LEVEL = "DEBUG"\n'


def test_what_was_there_is_imported_and_the_next_preview_is_empty(
    program: Callable[..., str], prefect_server: str, tmp_path: Path
) -> None:
    server = Server(prefect_server)
    kind = server.ask("GET", "block_types/slug/secret")["id"]
    schemas = server.ask("POST", "block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}})
    block = {"name": "cli-de-antes", "data": {"value": CANARY}, "block_type_id": kind}
    block_id = server.ask("POST", "block_documents/", {**block, "block_schema_id": schemas[0]["id"]})["id"]
    automation = {"name": "cli-de-antes", "trigger": TRIGGER, "actions": [{"type": "do-nothing"}], "tags": ["ui"]}
    automation_id = server.ask("POST", "automations/", automation)["id"]
    (tmp_path / "profiles.toml").write_text(PROFILE)

    for token, name, id_ in (("Block", "b", block_id), ("Automation", "a", automation_id), ("Profile", "p", "mio")):
        options = ("--yes", "--skip-preview", "--protect=false", "--generate-code=false")
        program("import", f"prefect:index:{token}", name, id_, *options)

    # As the program has to say them is what the import has found.
    rows = json.loads(program("stack", "export"))
    inputs = {item["urn"].rsplit("::", 1)[-1]: item.get("inputs", {}) for item in rows["deployment"]["resources"]}
    assert inputs["a"]["tags"] == ["ui"]
    imported = {
        "b": {"type": "prefect:Block", "properties": {**inputs["b"], "data": {"value": CANARY}}},
        "a": {"type": "prefect:Automation", "properties": inputs["a"]},
        "p": {"type": "prefect:Profile", "properties": inputs["p"]},
    }
    write(tmp_path / "program", imported)
    program("preview", "--expect-no-changes")
    program("preview", "--refresh", "--expect-no-changes")

    program("destroy", "--yes", "--skip-preview")
    assert not server.is_there(f"block_documents/{block_id}")
    assert not server.is_there(f"automations/{automation_id}")
    assert "mio" not in (tmp_path / "profiles.toml").read_text()
