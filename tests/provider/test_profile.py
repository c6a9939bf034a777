"""Profiles in a person's profiles.toml, through the provider; the file's own rules: test_profiles_file."""
# ruff: noqa: ASYNC240  # looks at small files, while nothing else goes on

from __future__ import annotations

import asyncio
import stat
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from infra.provider import wire

MINE = (
    b"# mine\r\nactive = 'cloud'  # the usual\r\n\r\n\r\n[profiles.cloud]\r\nPREFECT_API_URL = \"https://x\"\r\nodd = 3"
)
BASE: dict[str, Any] = {
    "name": "prefect-infra-dev",
    "api_url": "http://127.0.0.1:4200/api",
    "settings": {"PREFECT_LOGGING_LEVEL": "INFO"},
}
AUTH = "admin:canary-password"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "profiles.toml"


@pytest.fixture
def mine(path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(MINE)
    return path


def profiles(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(path.read_text())["profiles"]
    return found


def active(path: Path) -> str | None:
    return tomllib.loads(path.read_text()).get("active")


async def test_a_profile_lives_through_its_life_and_the_file_is_as_before(offline: Any, mine: Path) -> None:
    resource = await offline.up("Profile", "p", {**BASE, "auth_string": AUTH})
    assert profiles(mine)["prefect-infra-dev"] == {
        "PREFECT_API_URL": BASE["api_url"],
        "PREFECT_API_AUTH_STRING": AUTH,
        "PREFECT_LOGGING_LEVEL": "INFO",
    }
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600
    assert active(mine) == "cloud"
    assert resource.values["path"] == str(mine)
    written = mine.stat().st_mtime_ns

    assert (await offline.up("Profile", "p", {**BASE, "auth_string": AUTH})).steps == ["same"]
    assert await offline.refresh(resource) == []
    assert mine.stat().st_mtime_ns == written

    changed = await offline.up("Profile", "p", {**BASE, "settings": {}})
    assert changed.steps == ["update auth_string", "update settings"]
    assert profiles(mine)["prefect-infra-dev"] == {"PREFECT_API_URL": BASE["api_url"]}

    await offline.destroy(resource)
    assert mine.read_bytes() == MINE
    assert [item.name for item in mine.parent.iterdir()] == ["profiles.toml"]


async def test_a_file_that_was_not_there_is_gone_again_whichever_stack_leaves_last(offline: Any, path: Path) -> None:
    first = await offline.up("Profile", "p", {**BASE, "activate": True})
    offline.stack = "dev-ana"
    second = await offline.up("Profile", "q", {**BASE, "name": "prefect-infra-dev-ana", "activate": True})
    assert set(profiles(path)) == {"prefect-infra-dev", "prefect-infra-dev-ana"}

    await offline.destroy(first)
    assert set(profiles(path)) == {"prefect-infra-dev-ana"}
    await offline.destroy(second)

    assert list(path.parent.iterdir()) == []


async def test_only_activate_switches_and_what_was_active_comes_back(offline: Any, mine: Path) -> None:
    resource = await offline.up("Profile", "p", BASE)
    assert active(mine) == "cloud"
    await offline.up("Profile", "p", {**BASE, "activate": True})
    assert active(mine) == "prefect-infra-dev"
    assert resource.values["previously_active"] == "cloud"
    assert await offline.refresh(resource) == []

    await offline.up("Profile", "p", BASE)
    assert active(mine) == "cloud"
    await offline.up("Profile", "p", {**BASE, "activate": True})
    await offline.destroy(resource)
    assert mine.read_bytes() == MINE


async def test_switching_to_another_profile_is_no_drift_and_is_left_alone(offline: Any, mine: Path) -> None:
    resource = await offline.up("Profile", "p", {**BASE, "activate": True})
    mine.write_text(mine.read_text().replace("'prefect-infra-dev'", "'cloud'"))

    assert await offline.refresh(resource) == []
    await offline.up("Profile", "p", {**BASE, "activate": True, "api_url": "http://other/api"})
    assert active(mine) == "cloud"
    await offline.destroy(resource)
    assert active(mine) == "cloud"


async def test_no_profile_that_is_gone_is_made_active(offline: Any, mine: Path) -> None:
    resource = await offline.up("Profile", "p", {**BASE, "activate": True})
    text = mine.read_text()
    mine.write_text(text.replace('[profiles.cloud]\nPREFECT_API_URL = "https://x"\nodd = 3\n', ""))
    assert "cloud" not in profiles(mine)
    await offline.destroy(resource)
    assert active(mine) == "cloud"  # one of Prefect's own, which are always there

    mine.write_text('active = "old"\n[profiles.old]\n')
    resource = await offline.up("Profile", "p", {**BASE, "activate": True})
    mine.write_text(mine.read_text().replace("[profiles.old]\n", ""))
    await offline.destroy(resource)
    assert active(mine) is None


async def test_a_profile_that_a_person_made_active_goes_without_leaving_its_name(offline: Any, mine: Path) -> None:
    resource = await offline.up("Profile", "p", BASE)
    mine.write_text(mine.read_text().replace("'cloud'", "'prefect-infra-dev'"))

    await offline.destroy(resource)

    assert active(mine) is None


async def test_another_name_keeps_what_was_active_before_either(offline: Any, mine: Path) -> None:
    await offline.up("Profile", "p", {**BASE, "activate": True})
    resource = await offline.up("Profile", "p", {**BASE, "name": "other", "activate": True})
    assert (set(profiles(mine)), active(mine)) == ({"cloud", "other"}, "other")

    await offline.destroy(resource)

    assert mine.read_bytes() == MINE


async def test_another_file_takes_it_out_of_the_first(offline: Any, mine: Path, tmp_path: Path) -> None:
    await offline.up("Profile", "p", BASE)
    resource = await offline.up("Profile", "p", {**BASE, "file": str(tmp_path / "other.toml")})
    assert mine.read_bytes() == MINE
    assert set(profiles(tmp_path / "other.toml")) == {"prefect-infra-dev"}
    await offline.destroy(resource)
    assert not (tmp_path / "other.toml").exists()


@pytest.mark.parametrize(
    ("before", "after", "drift"),
    [
        ('"INFO"', '"DEBUG"', ["settings.PREFECT_LOGGING_LEVEL"]),
        ('"INFO"\n', '"INFO"\nPREFECT_X = 1\n', ["settings.PREFECT_X"]),
        ('PREFECT_LOGGING_LEVEL = "INFO"\n', "", ["settings"]),
        ("4200", "4300", ["api_url"]),
        ("canary-password", "other", ["auth_string"]),
        (f'PREFECT_API_AUTH_STRING = "{AUTH}"\n', "", ["auth_string"]),
        (f'"{AUTH}"', '""', ["auth_string"]),
        ("PREFECT_API_URL", "PREFECT_OTHER", ["api_url", "settings.PREFECT_OTHER"]),
    ],
)
async def test_any_setting_that_somebody_edits_is_drift_and_is_put_back(
    offline: Any, path: Path, before: str, after: str, drift: list[str]
) -> None:
    inputs = {**BASE, "auth_string": AUTH}
    resource = await offline.up("Profile", "p", inputs)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))

    assert await offline.refresh(resource) == drift
    assert (await offline.up("Profile", "p", inputs)).steps != ["same"]
    assert path.read_text() == text
    assert await offline.refresh(resource) == []


async def test_the_servers_authority_lies_beside_the_profiles_and_goes_with_its_own(offline: Any, path: Path) -> None:
    inputs = {**BASE, "ca_certificate": "-----BEGIN CERTIFICATE-----\n"}
    resource = await offline.up("Profile", "p", inputs)
    file = path.parent / "prefect-infra-dev.ca.pem"
    assert profiles(path)["prefect-infra-dev"]["PREFECT_API_SSL_CERT_FILE"] == str(file)
    assert file.read_text() == inputs["ca_certificate"]
    assert await offline.refresh(resource) == []

    file.unlink()
    assert await offline.refresh(resource) == ["ca_certificate"]
    await offline.up("Profile", "p", inputs)
    assert file.read_text() == inputs["ca_certificate"]

    await offline.up("Profile", "p", BASE)
    assert not file.exists()
    assert "PREFECT_API_SSL_CERT_FILE" not in profiles(path)["prefect-infra-dev"]
    await offline.up("Profile", "p", inputs)
    await offline.destroy(resource)
    assert not file.exists()


async def test_a_file_of_a_persons_own_is_no_authority_of_ours(offline: Any, path: Path) -> None:
    settings = {"PREFECT_API_SSL_CERT_FILE": "/etc/ssl/company.pem"}
    resource = await offline.up("Profile", "p", {**BASE, "settings": settings})
    assert await offline.refresh(resource) == []
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.up("Profile", "p", {**BASE, "settings": settings, "ca_certificate": "x"})
    assert "settings.PREFECT_API_SSL_CERT_FILE" in caught.value.failures


@pytest.mark.parametrize("text", [None, "", 'active = "x"\n[profiles.x]\n'])
async def test_a_profile_that_somebody_deleted_comes_back(offline: Any, path: Path, text: str | None) -> None:
    resource = await offline.up("Profile", "p", BASE)
    path.unlink()
    if text is not None:
        path.write_text(text)

    assert await offline.refresh(resource) == ["gone"]
    assert (await offline.up("Profile", "p", BASE)).steps == ["create"]
    assert "prefect-infra-dev" in profiles(path)


async def test_destroying_what_is_gone_is_no_failure(offline: Any, path: Path) -> None:
    resource = await offline.up("Profile", "p", BASE)
    again = replace(resource)
    offline.resources["prefect:index:Profile", "again"] = again
    again.name = "again"
    await offline.destroy(resource)
    await offline.destroy(again)
    path.parent.rmdir()
    offline.resources["prefect:index:Profile", "again"] = again
    await offline.destroy(again)
    assert not path.parent.exists()


async def test_a_persons_profile_of_the_same_name_is_refused_and_taken_with_adopt(offline: Any, mine: Path) -> None:
    text = 'active = "x"\n\n# about it\n[profiles.prefect-infra-dev]\nPREFECT_API_URL = "http://mine"\n\n# end\n'
    mine.write_text(text)
    for stack in ("dev", "dev-ana"):
        offline.stack = stack
        with pytest.raises(grpc.aio.AioRpcError, match=r"exists already.*pulumi import.*adopt: true"):
            await offline.up("Profile", "p", BASE)
    assert mine.read_text() == text

    resource = await offline.up("Profile", "p", {**BASE, "adopt": True})
    assert profiles(mine)["prefect-infra-dev"]["PREFECT_API_URL"] == BASE["api_url"]
    await offline.destroy(resource)
    assert mine.read_text() == 'active = "x"\n\n# about it\n\n# end\n'


async def test_another_stacks_profile_of_the_same_name_is_refused(offline: Any, path: Path) -> None:
    await offline.up("Profile", "p", BASE)
    text = path.read_text()
    offline.stack = "dev-ana"
    with pytest.raises(grpc.aio.AioRpcError, match="exists already"):
        await offline.up("Profile", "q", BASE)
    assert path.read_text() == text


async def test_what_a_killed_up_left_behind_is_found_again(offline: Any, path: Path) -> None:
    await offline.up("Profile", "p", BASE)
    text = path.read_text()
    offline.resources.clear()

    resource = await offline.up("Profile", "p", BASE)

    assert path.read_text() == text
    await offline.destroy(resource)
    assert not path.exists()


async def test_an_imported_profile_is_the_same_at_the_next_up(offline: Any, mine: Path) -> None:
    mine.write_text('[profiles.mine]\nPREFECT_API_URL = "http://x/api"\nPREFECT_LOGGING_LEVEL = "INFO"\n')
    imported = await offline.import_("Profile", "p", "mine")
    inputs = {"name": "mine", "api_url": "http://x/api", "settings": {"PREFECT_LOGGING_LEVEL": "INFO"}}
    assert imported.id == "mine"
    assert (await offline.up("Profile", "p", inputs)).steps == ["same"]


@pytest.mark.parametrize("content", [b"[profiles.x\n", b"profiles = 1\n", b"\xff"])
async def test_a_broken_file_fails_in_words_and_stays_as_it_is(offline: Any, mine: Path, content: bytes) -> None:
    mine.write_bytes(content)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await offline.up("Profile", "p", BASE)
    assert str(refused.value.details()).startswith(f"{mine}: ")
    assert mine.read_bytes() == content


@pytest.mark.parametrize(
    ("wrong", "path", "hint"),
    [
        ({"name": "local"}, "name", "choose another name"),
        ({"name": "a'b"}, "name", "no quotes"),
        ({"name": "a\nb"}, "name", "no quotes"),
        ({"name": ""}, "name", "at least 1"),
        ({"settings": {"LOGGING_LEVEL": "x"}}, "settings.LOGGING_LEVEL", "begins with PREFECT_"),
        ({"settings": {"PREFECT_A = 1\n[X]\nPREFECT_B": "x"}}, None, "begins with PREFECT_"),
        ({"settings": {"PREFECT_API_URL": "x"}}, "settings.PREFECT_API_URL", "comes from the server"),
        ({"settings": {"PREFECT_API_AUTH_STRING": "x"}}, "settings.PREFECT_API_AUTH_STRING", "comes from the server"),
        ({"settings": {"PREFECT_X": 3}}, "settings.PREFECT_X", "expected a text, got a number"),
        ({"file": "profiles.toml"}, "file", "absolute"),
    ],
)
async def test_wrong_input_fails_the_check_at_its_property(
    offline: Any, wrong: dict[str, Any], path: str | None, hint: str
) -> None:
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.up("Profile", "p", {**BASE, **wrong})
    assert [hint in reason for reason in caught.value.failures.values()] == [True]
    assert path is None or set(caught.value.failures) == {path}


async def test_profiles_of_one_stack_that_are_written_at_once_are_all_there(offline: Any, path: Path) -> None:
    names = [f"p{n}" for n in range(12)]
    resources = await asyncio.gather(*(offline.up("Profile", name, {**BASE, "name": name}) for name in names))
    assert set(profiles(path)) == set(names)
    await asyncio.gather(*map(offline.destroy, resources))
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"PREFECT_PROFILES_PATH": "~/p.toml", "PREFECT_HOME": "/nowhere"}, "p.toml"),
        ({"PREFECT_HOME": "~/h"}, "h/profiles.toml"),
        ({}, ".prefect/profiles.toml"),
    ],
)
async def test_it_is_written_where_prefect_looks(
    offline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], where: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PREFECT_PROFILES_PATH", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    resource = await offline.up("Profile", "p", BASE)
    assert resource.values["path"] == str(tmp_path / where)
    assert set(profiles(tmp_path / where)) == {"prefect-infra-dev"}


async def test_the_auth_string_is_marked_secret_although_the_program_did_not(offline: Any, path: Path) -> None:
    resource = await offline.up("Profile", "p", {**BASE, "auth_string": AUTH})
    for struct in (resource.inputs, resource.state):
        assert ("auth_string",) in wire.decode(struct).secrets
