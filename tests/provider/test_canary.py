"""A planted secret, looked for in everything that the plugin ever says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from infra.provider import wire
from infra.provider.kinds.profile import Profile

CANARY = 'canary-4b1d-Ñ"\\'
AUTH = f"admin:{CANARY}"
FORMS = [
    CANARY,
    "canary-4b1d",  # however it may be quoted
    base64.b64encode(AUTH.encode()).decode(),
]


def outside_of_envelopes(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return "(a secret)"
        return {key: outside_of_envelopes(item) for key, item in value.items()}
    return [outside_of_envelopes(item) for item in value] if isinstance(value, list) else value


@dataclass
class Recording:
    """A stub that keeps all that it is told, good or bad."""

    stub: Any
    said: list[tuple[str, str]] = field(default_factory=list)
    secrets_seen: int = 0

    def __getattr__(self, method: str) -> Callable[[Any], Any]:
        async def call(request: Any) -> Any:
            try:
                reply = await getattr(self.stub, method)(request)
            except grpc.aio.AioRpcError as error:
                self.said.append((method, f"{error.details()} {error.debug_error_string()}"))
                raise
            content = json_format.MessageToDict(reply)
            self.said.append((method, json.dumps(outside_of_envelopes(content), ensure_ascii=False)))
            self.secrets_seen += json.dumps(content).count(rpc._special_secret_sig)
            return reply

        return call

    def is_clean(self) -> bool:
        for method, text in self.said:
            for form in FORMS:
                assert (method, form in text) == (method, False), text
        return True


@pytest.fixture
def recording(engine: Any) -> Recording:
    engine.stub = Recording(engine.stub)
    stub: Recording = engine.stub
    return stub


@pytest.fixture
def recording_offline(offline: Any) -> Recording:
    offline.stub = Recording(offline.stub)
    stub: Recording = offline.stub
    return stub


async def previewed(engine: Any, resource: Any, news: Any) -> None:
    """The same as a preview sees it."""
    request = {"urn": resource.urn, "preview": True}
    await engine.stub.Create(provider_pb2.CreateRequest(**request, properties=news))
    if resource.id:
        olds = {"olds": resource.state, "old_inputs": resource.inputs}
        await engine.stub.Update(provider_pb2.UpdateRequest(**request, id=resource.id, **olds, news=news))


async def whole_life(engine: Any, kind: str, first: dict[str, Any], second: dict[str, Any], secrets: Any) -> Any:
    resource = await engine.up(kind, "r", first, secrets)
    await previewed(engine, resource, await engine.check(resource, second, secrets))
    await engine.up(kind, "r", first, secrets)
    await engine.refresh(resource)
    await engine.up(kind, "r", second, secrets)
    await engine.refresh(resource)
    return resource


@pytest.mark.server
class TestOnTheServer:
    async def test_data_of_a_block_that_no_program_marked(
        self, engine: Any, client: Any, recording: Recording, unique: str
    ) -> None:
        base = {"name": unique, "type_slug": "secret"}
        resource = await whole_life(
            engine,
            "Block",
            {**base, "data": {"value": CANARY}},
            {**base, "data": {"value": {"deep": [CANARY, {"deeper": CANARY}]}}},
            (),
        )
        await client.patch(f"block_documents/{resource.id}", {"data": {"value": f"edited {CANARY}"}})
        await engine.refresh(resource)
        await engine.import_("Block", "s", resource.id)
        with pytest.raises(grpc.aio.AioRpcError):
            await engine.up("Block", "t", {**base, "data": {"value": f"mine {CANARY}"}})
        await engine.destroy(resource)
        assert recording.secrets_seen > 8
        assert recording.is_clean()

    async def test_job_variables_that_the_program_marked(self, engine: Any, recording: Recording, unique: str) -> None:
        pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        base = {
            "name": f"{unique}-d",
            "flow_name": f"{unique}-f",
            "entrypoint": "flows/a.py:f",
            "work_pool_name": pool.id,
            "job_variables": {"env": {"A": "b", "TOKEN": CANARY}},
            "pull_steps": [{"prefect.deployments.steps.git_clone": {"repository": "r", "access_token": CANARY}}],
        }
        secrets = [
            ("job_variables", "env", "TOKEN"),
            ("pull_steps", 0, "prefect.deployments.steps.git_clone", "access_token"),
        ]
        changed = {**base, "job_variables": {"env": {"A": "c", "TOKEN": f"new {CANARY}"}}, "description": "x"}
        resource = await whole_life(engine, "Deployment", base, changed, secrets)
        await engine.destroy(resource)
        assert recording.is_clean()

    @pytest.mark.parametrize(
        ("wrong", "secret"),
        [
            ({"job_variables": {"env": CANARY}}, ("job_variables", "env")),
            ({"job_variables": {"stream_output": {"x": [CANARY]}}}, ("job_variables",)),
            ({"parameters": {"n": CANARY}}, ("parameters", "n")),
            ({"concurrency_limit": CANARY}, ("concurrency_limit",)),
            ({"entrypoint": CANARY}, ("entrypoint",)),
            ({"schedules": [{"slug": "a", "cron": CANARY, "timezone": "UTC"}]}, ("schedules", 0, "cron")),
            ({"schedules": [{"slug": "a", "cron": "* * * * *", "timezone": CANARY}]}, ("schedules", 0, "timezone")),
        ],
    )
    async def test_what_the_server_or_a_check_refuses_and_repeats(
        self, engine: Any, recording: Recording, unique: str, wrong: dict[str, Any], secret: wire.Path
    ) -> None:
        pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        base = {
            "name": f"{unique}-d",
            "flow_name": f"{unique}-f",
            "entrypoint": "flows/a.py:f",
            "work_pool_name": pool.id,
            "parameter_openapi_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
        }
        with pytest.raises((grpc.aio.AioRpcError, engine.CheckFailed)):
            await engine.up("Deployment", "d", {**base, **wrong}, [secret])
        assert recording.is_clean()

    async def test_the_rule_of_an_automation_and_what_the_server_made_of_it(
        self, engine: Any, recording: Recording, unique: str
    ) -> None:
        trigger = {"type": "event", "posture": "Reactive", "expect": [CANARY], "threshold": 1, "within": 0}
        first = {"name": unique, "trigger": trigger, "actions": [{"type": "do-nothing"}]}
        await whole_life(engine, "Automation", first, {**first, "description": "x"}, [("trigger", "expect", 0)])
        assert recording.is_clean()

    async def test_a_variable_that_the_program_marked(self, engine: Any, recording: Recording, unique: str) -> None:
        first = {"name": unique, "value": {"user": "u", "password": CANARY}}
        second = {"name": unique, "value": {"user": "v", "password": f"{CANARY}2"}}
        await whole_life(engine, "Variable", first, second, [("value", "password")])
        with pytest.raises(engine.CheckFailed, match="5,000"):
            await engine.up("Variable", "s", {"name": unique, "value": {"password": CANARY * 900}}, [("value",)])
        assert recording.is_clean()

    @pytest.mark.parametrize("value", [CANARY, [CANARY], {"clave_nueva": CANARY}], ids=["text", "list", "key"])
    async def test_a_secret_that_people_move_out_of_the_place_that_the_program_marked(
        self, engine: Any, client: Any, recording: Recording, unique: str, value: Any
    ) -> None:
        declared = {"name": unique, "value": {"user": "u", "password": CANARY}}
        resource = await engine.up("Variable", "r", declared, [("value", "password")])
        await client.patch(f"variables/name/{unique}", {"value": value})
        assert await engine.refresh(resource) != []
        assert resource.values["value"] == value
        await engine.up("Variable", "r", declared, [("value", "password")])
        assert await engine.refresh(resource) == []
        assert wire.decode(resource.state).secrets == {("value", "password")}
        assert recording.is_clean()

    async def test_credentials_that_people_gave_a_deployment(
        self, engine: Any, client: Any, recording: Recording, unique: str
    ) -> None:
        pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        base = {"name": f"{unique}-d", "flow_name": f"{unique}-f", "entrypoint": "a.py:f", "work_pool_name": pool.id}
        resource = await engine.up("Deployment", "d", base)
        env = {"A": "b", "ERP_PASSWORD": CANARY, "PIN_TOKEN": "corta", "BASE": f"postgresql://u:{CANARY}@db/x"}
        step = {"prefect.deployments.steps.git_clone": {"repository": f"https://u:{CANARY}@git.example.com/x.git"}}
        theirs = {"job_variables": {"env": env, "working_dir": "/srv"}, "pull_steps": [step]}
        await client.patch(f"deployments/{resource.id}", theirs)

        assert await engine.refresh(resource) == ["job_variables", "pull_steps"]
        imported = await engine.import_("Deployment", "i", resource.id)
        secrets = {("job_variables", "env", key) for key in env if key != "A"} | {("pull_steps",)}
        for found in (resource, imported):
            assert found.values["job_variables"] == theirs["job_variables"]
            assert wire.decode(found.state).secrets == wire.decode(found.inputs).secrets == secrets

        # Left to them, they are in the state of what else is written.
        owners = dict.fromkeys(("job_variables", "pull_steps"), "create-only")
        await engine.up("Deployment", "d", {**base, "owners": owners, "description": "x"})
        assert resource.values["job_variables"] == theirs["job_variables"]
        await engine.destroy(resource)
        assert recording.is_clean()

    async def test_credentials_that_people_gave_a_pool(
        self, engine: Any, client: Any, recording: Recording, unique: str
    ) -> None:
        resource = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        template = (await client.get(f"work_pools/{unique}"))["base_job_template"]
        template["variables"]["properties"]["env"]["default"] = {"TOKEN": CANARY}
        await client.patch(f"work_pools/{unique}", {"base_job_template": template})
        assert await engine.refresh(resource) == ["job_defaults"]
        assert (await engine.import_("WorkPool", "i", unique)).values["job_defaults"] == {"env": {"TOKEN": CANARY}}
        assert recording.is_clean()


async def test_the_auth_string_of_a_profile_that_no_program_marked(
    offline: Any, recording_offline: Recording, tmp_path: Any
) -> None:
    path = tmp_path / "profiles.toml"
    base = {"name": "p", "api_url": "http://x/api", "file": str(path)}
    first = {**base, "auth_string": AUTH}
    resource = await whole_life(offline, "Profile", first, {**first, "settings": {"PREFECT_A": "x"}}, ())
    path.write_text(path.read_text().replace("admin", "somebody"))
    await offline.refresh(resource)
    path.write_text(f"{path.read_text()}\n{CANARY} is no TOML")
    for work in (offline.refresh(resource), offline.up("Profile", "p", base), offline.destroy(resource)):
        with pytest.raises(grpc.aio.AioRpcError, match="no valid TOML"):
            await work
    assert recording_offline.secrets_seen > 8
    assert recording_offline.is_clean()


async def test_settings_of_a_profile_that_the_program_marked(
    offline: Any, recording_offline: Recording, tmp_path: Any
) -> None:
    base = {"name": "p", "api_url": "http://x/api", "file": str(tmp_path / "profiles.toml")}
    first = {**base, "settings": {"PREFECT_API_KEY": CANARY, "PREFECT_A": "x"}}
    second = {**base, "settings": {"PREFECT_API_KEY": f"{CANARY}2", "PREFECT_A": "y"}}
    await whole_life(offline, "Profile", first, second, [("settings", "PREFECT_API_KEY")])
    assert recording_offline.is_clean()


async def test_settings_of_a_profile_that_hold_credentials_and_no_program_marked(
    offline: Any, recording_offline: Recording, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "profiles.toml"
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(path))
    settings = {
        "PREFECT_API_KEY": CANARY,
        "PREFECT_CLIENT_CUSTOM_HEADERS": json.dumps({"X-Gate": CANARY}),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{CANARY}",
        "PREFECT_REDIS_MESSAGING_URL": f"redis://:{CANARY}@redis/0",
        "PREFECT_LOGGING_LEVEL": "INFO",
    }
    base = {"name": "p", "api_url": "http://x/api", "settings": settings}
    resource = await whole_life(offline, "Profile", base, {**base, "settings": {**settings, "PREFECT_A": "y"}}, ())
    more = {"PREFECT_SERVER_API_AUTH_STRING": CANARY, "PREFECT_SERVER_DATABASE_PASSWORD": CANARY}
    path.write_text(path.read_text() + "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items()))
    assert await offline.refresh(resource) == [f"settings.{key}" for key in sorted(more)]
    imported = await offline.import_("Profile", "i", "p")
    assert imported.values["settings"] == settings | more | {"PREFECT_A": "y"}
    readable = {"PREFECT_LOGGING_LEVEL", "PREFECT_A"}
    secrets = {("settings", key) for key in imported.values["settings"] if key not in readable}
    assert wire.decode(imported.state).secrets == secrets
    assert recording_offline.is_clean()


def test_each_setting_that_prefect_takes_for_a_secret_is_one_in_a_profile() -> None:
    from prefect.settings.legacy import Setting, _get_settings_fields
    from prefect.settings.models.root import Settings

    settings: dict[str, Setting] = _get_settings_fields(Settings)
    # By where they lie in the models, too: those aren't names of anything in a profile.
    names = {name for name, setting in settings.items() if setting.is_secret and name.startswith("PREFECT_")}
    assert len(names) >= 4
    found = {path[-1] for path in Profile().always_secret({"settings": dict.fromkeys(names, "x")})}
    assert names - {"PREFECT_API_AUTH_STRING"} <= found


async def test_a_generated_secret(offline: Any, recording_offline: Recording) -> None:
    resource = await whole_life(offline, "GeneratedSecret", {}, {"rotation": 2}, ())
    value = resource.values["value"]
    assert recording_offline.secrets_seen > 2
    assert all(value not in text for _, text in recording_offline.said)


SETTINGS = {
    "api_url": "http://127.0.0.1:9/api",
    "auth_string": AUTH,
    "api_key": CANARY,
    "headers": json.dumps({"X-Gate": CANARY}),
}


@pytest.mark.parametrize(
    "wrong",
    [{}, {"headers": CANARY}, {"headers": json.dumps([CANARY])}, {"headers": json.dumps({"X": [CANARY]})}, {"n": 1}],
)
async def test_the_providers_own_settings_that_no_program_marked(
    recording_offline: Recording, wrong: dict[str, Any]
) -> None:
    news = wire.encode({**SETTINGS, **wrong})
    urn = "urn:pulumi:dev::prefect-infra::pulumi:providers:prefect::prefect"
    reply = await recording_offline.CheckConfig(provider_pb2.CheckRequest(urn=urn, news=news))
    assert [failure.property for failure in reply.failures] == list(wrong)
    assert wire.decode(reply.inputs).values == {**SETTINGS, **wrong}
    await recording_offline.DiffConfig(
        provider_pb2.DiffRequest(urn=urn, olds=wire.encode(SETTINGS), old_inputs=wire.encode(SETTINGS), news=news)
    )
    assert recording_offline.is_clean()


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": f"{CANARY}\n", "auth_string": None},
        {"headers": json.dumps({"X-Gate": f"{CANARY}\r\n"})},
        {"api_url": f"http://admin:{CANARY}@127.0.0.1:9/api"},
    ],
)
async def test_settings_that_no_request_can_be_made_with(recording_offline: Recording, wrong: dict[str, Any]) -> None:
    settings = {key: value for key, value in {**SETTINGS, **wrong}.items() if value is not None}
    await recording_offline.Configure(provider_pb2.ConfigureRequest(args=wire.encode(settings), acceptSecrets=True))
    urn = "urn:pulumi:dev::prefect-infra::prefect:index:WorkPool::p"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await recording_offline.Read(provider_pb2.ReadRequest(id="p", urn=urn))
    assert refused.value.code() in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE}
    assert recording_offline.is_clean()
