"""A person's profiles.toml, edited in place: what comes goes again, and nothing else moves by a byte."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from infra.provider import profiles_file
from infra.provider.errors import LocalFile
from infra.provider.profiles_file import ProfilesFile, locked

OWNERS = ("prefect-infra/dev", "prefect-infra/dev-ana")
OURS = ("prefect-infra-dev", "prefect-infra dev.ana", "ñandú", "prod")
THEIRS = ("local", "cloud.eu", "two words", "a#b", "x", "prefect-infra-dev-2", 'with "quotes"')
TRAPS = (
    'PREFECT_A = "plain"',
    "PREFECT_A = 'literal # no comment'",
    'PREFECT_A = "# no comment" # a comment',
    "PREFECT_A = 3",
    "PREFECT_A = true",
    'PREFECT_A = """\n[profiles.prod]\nactive = "prod"\n# prefect-infra: a/b (no)\n"""',
    "PREFECT_A = '''\n# not the end\n# nor this'''",
    'PREFECT_A = [\n  ["a"],\n["b"],\n# c\n]',
    'PREFECT_A = { b = "[x]" }',
    '"quoted key" = "x"',
)
ACTIVES = (
    'active = "local"',
    "active = 'local'",
    '  active="a#b"   # mine',
    '"active" = "gone"',
    "'active' = 'two words' #",
)
SETTINGS = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "PREFECT_LOGGING_LEVEL": 'IN"F\\O\n[x]\x7f'}
comments = st.lists(st.sampled_from(["", "# a comment", "  # [profiles.prod]", "\t", "#"]), max_size=3)


def quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else '"' + name.replace('"', '\\"') + '"'


@st.composite
def a_table(draw: Any, name: str) -> list[str]:
    header = draw(st.sampled_from(["[profiles.{}]", "  [ profiles . {} ]  # it", '["profiles".{}]'])).format(
        quoted(name)
    )
    keys = draw(st.lists(st.sampled_from(TRAPS), max_size=3))
    lines = [header]
    for n, line in enumerate(keys):
        lines += [*draw(comments), line.replace("PREFECT_A", f"PREFECT_A{n}").replace("quoted key", f"quoted key {n}")]
    return lines


@st.composite
def a_file(draw: Any, *, of_others: bool = True) -> str:
    """Whatever a person may have in the file, as long as it is TOML."""
    lines = draw(comments)
    if draw(st.booleans()):
        lines += [draw(st.sampled_from(ACTIVES))]
    lines += [line.replace("PREFECT_A", "other") for line in draw(st.lists(st.sampled_from(TRAPS), max_size=1))]
    names = draw(st.lists(st.sampled_from(THEIRS), unique=True, max_size=4))
    for name in names:
        lines += draw(comments) + draw(a_table(name))
    if of_others and draw(st.booleans()):
        lines += ["[tool.x]", 'profiles = "x"', "[[things]]", "[[things]]"]
    lines += draw(comments)
    text: str = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text


def document(text: str) -> ProfilesFile:
    return ProfilesFile(Path("/nowhere/profiles.toml"), text, exists=True)


def in_(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tables(text: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(text).get("profiles", {})
    return found


@settings(max_examples=200, deadline=None)
@given(text=a_file(), name=st.sampled_from(OURS))
def test_a_profile_that_is_added_and_removed_leaves_the_very_same_bytes(text: str, name: str) -> None:
    file = document(text)
    file.put(name, SETTINGS, OWNERS[0])

    assert file.text.startswith(text)
    assert tables(file.text) == {**tables(text), name: SETTINGS}
    assert file.owner(name) == OWNERS[0]

    file.remove(name)
    assert file.text == text


@settings(max_examples=200, deadline=None)
@given(text=a_file(), steps=st.lists(st.tuples(st.sampled_from(OURS), st.sampled_from(OWNERS)), max_size=12))
def test_profiles_of_two_stacks_come_and_go_in_any_order_and_the_rest_never_moves(
    text: str, steps: list[tuple[str, str]]
) -> None:
    file = document(text)
    there: dict[str, dict[str, str]] = {}
    for n, (name, owner) in enumerate(steps):
        if name in there and n % 3:
            file.remove(name)
            del there[name]
        else:
            there[name] = {"PREFECT_API_URL": str(n)}
            file.put(name, there[name], owner)
        assert file.text.startswith(text)
        assert tables(file.text) == {**tables(text), **there}
    for name in there:
        file.remove(name)
    assert file.text == text


@settings(max_examples=200, deadline=None)
@given(text=a_file(), name=st.sampled_from(OURS), order=st.booleans())
def test_an_active_profile_is_given_back_with_its_comment_and_its_quotes(text: str, name: str, order: bool) -> None:
    file = document(text)
    before = file.active
    file.put(name, SETTINGS, OWNERS[0])
    file.activate(name)
    assert tomllib.loads(file.text) == {
        **tomllib.loads(text),
        "active": name,
        "profiles": {**tables(text), name: SETTINGS},
    }

    if order:
        file.activate(before)
        file.remove(name)
    else:
        file.remove(name)
        file.activate(before)
    assert file.text == text


@settings(max_examples=200, deadline=None)
@given(before=a_file(of_others=False), table=a_table("prod"), after=comments, more=a_table("zeta"), last=st.booleans())
def test_a_profile_that_is_taken_over_changes_in_place_and_leaves_its_neighbours(
    before: str, table: list[str], after: list[str], more: list[str], last: bool
) -> None:
    assume("\r" not in before)
    before = before if before.endswith("\n") or not before else before + "\n"
    rest = "".join(f"{line}\n" for line in (after if last else [*after, *more]))
    file = document(before + "\n".join(table) + "\n" + rest)

    file.put("prod", SETTINGS, OWNERS[0])
    assert (file.text.startswith(before), file.text.endswith(rest)) == (True, True)
    assert file.table("prod") == SETTINGS
    file.put("prod", {"PREFECT_API_URL": "other"}, OWNERS[0])
    file.remove("prod")
    assert file.text == before + rest


@settings(max_examples=100, deadline=None)
@given(text=a_file(), name=st.sampled_from(OURS), mine=a_table("yankee"))
def test_what_a_person_writes_below_our_block_stays_when_it_goes(text: str, name: str, mine: list[str]) -> None:
    file = document(text)
    file.put(name, SETTINGS, OWNERS[0])
    theirs = "# mine\n" + "\n".join(mine) + "\n"
    file.text += theirs

    file.remove(name)

    assert (file.text.startswith(text), file.text.endswith(theirs)) == (True, True)
    assert file.text.removeprefix(text).removesuffix(theirs) in {"", "\n", "\r\n"}


def test_a_name_that_begins_like_another_is_another() -> None:
    text = "[profiles.prod.old]\nPREFECT_A = 1\n[profiles.prod-2]\nPREFECT_A = 2\n"
    file = document(text)
    assert file.owner("prod") is None
    file.put("prod-2", SETTINGS, OWNERS[0])
    assert file.text.startswith("[profiles.prod.old]\nPREFECT_A = 1\n# prefect-infra")
    with pytest.raises(LocalFile, match="without touching"):
        file.put("prod", SETTINGS, OWNERS[0])


@pytest.mark.parametrize(
    "text",
    [
        'profiles = { x = { A = "1" } }\n',
        '[profiles]\nx.A = "1"\nprod.A = "1"\n',
        'profiles.prod.A = "1"\n',
    ],
)
def test_a_form_that_cant_be_edited_in_place_is_refused_in_words_of_its_own(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(text)
    file = ProfilesFile.load(path)
    with pytest.raises(LocalFile, match=r"form that can't be edited.*\[profiles.NAME\]"):
        file.put("prod", SETTINGS, OWNERS[0])
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[profiles.x\n", "no valid TOML.*line 1.*Mend it"),
        (b'active = "x"\nactive = "y"\n', "no valid TOML"),
        (b"profiles = 3\n", "tables of settings"),
        (b"[[profiles.x]]\n", "tables of settings"),
        (b"[profiles]\nx = 1\n", "tables of settings"),
        (b"\xff\xfe", "can't be read"),
    ],
)
def test_a_broken_file_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_bytes(content)
    with pytest.raises(LocalFile, match=told) as caught:
        ProfilesFile.load(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.none() | a_file(), names=st.permutations(OURS))
def test_on_disk_the_file_comes_back_with_its_bytes_or_its_absence_and_nothing_beside_it(
    tmp_path_factory: pytest.TempPathFactory, text: str | None, names: list[str]
) -> None:
    path = tmp_path_factory.mktemp("home") / "profiles.toml"
    if text is not None:
        path.write_bytes(text.encode())
    for name in OURS:
        edit(path, name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert in_(path.parent) == ["profiles.toml"]
    for name in names:
        edit(path, name, remove=True)
    assert (path.read_bytes() if path.exists() else None) == (None if text is None else text.encode())
    assert in_(path.parent) == ([] if text is None else ["profiles.toml"])


def edit(path: Path, name: str, *, remove: bool = False) -> None:
    with locked(path):
        file = ProfilesFile.load(path)
        if remove:
            file.remove(name)
        else:
            file.put(name, SETTINGS, OWNERS[0])
        file.save()


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_stays_a_link_and_its_target_is_what_changes(tmp_path: Path, dangling: bool) -> None:
    (tmp_path / "dotfiles").mkdir()
    target, link = tmp_path / "dotfiles" / "p.toml", tmp_path / "profiles.toml"
    link.symlink_to(Path("dotfiles") / "p.toml")
    if not dangling:
        target.write_text('active = "x"\n')

    edit(link, "prod")
    assert link.is_symlink()
    assert "prod" in tables(target.read_text())
    assert stat.S_IMODE(target.stat().st_mode) == 0o600

    edit(link, "prod", remove=True)
    assert link.is_symlink()
    assert target.exists() is not dangling
    assert in_(tmp_path) == ["dotfiles", "profiles.toml"]
    assert in_(tmp_path / "dotfiles") == ([] if dangling else ["p.toml"])


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text("")
    path.chmod(0o644)
    edit(path, "prod")
    path.chmod(0o644)
    edit(path, "prod")  # the same content again
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_folder_is_made_when_there_is_none(tmp_path: Path) -> None:
    edit(tmp_path / "a" / "b" / "profiles.toml", "prod")
    assert (tmp_path / "a" / "b" / "profiles.toml").is_file()


def test_a_folder_that_cant_be_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(LocalFile, match="can't be"):
        edit(tmp_path / "a" / "profiles.toml", "prod")


def test_a_file_that_is_a_folder_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").mkdir()
    with pytest.raises(LocalFile, match="can't be read"):
        edit(tmp_path / "profiles.toml", "prod")


def test_links_in_a_circle_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").symlink_to("other")
    (tmp_path / "other").symlink_to("profiles.toml")
    with pytest.raises(LocalFile, match="can't be read"):
        edit(tmp_path / "profiles.toml", "prod")


def python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE)


COUNTER = """
import sys
from pathlib import Path
from infra.provider.profiles_file import locked
path, counter = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    with locked(path):
        n = int(counter.read_text())
        counter.write_text(str(n + 1))
"""

ADD_AND_REMOVE = """
import sys
from pathlib import Path
from infra.provider.profiles_file import ProfilesFile, locked
path, who, keep = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "keep"
for n in range(8):
    with locked(path):
        file = ProfilesFile.load(path)
        file.put(f"{who} {n}", {"PREFECT_API_URL": who}, f"p/{who}")
        file.save()
for n in range(0 if keep else 8):
    with locked(path):
        file = ProfilesFile.load(path)
        file.remove(f"{who} {n}")
        file.save()
"""


def all_end_well(processes: list[subprocess.Popen[bytes]]) -> None:
    assert [process.wait(120) for process in processes] == [0] * len(processes)


@pytest.mark.thorough
def test_the_lock_is_had_by_one_process_at_a_time_although_its_file_comes_and_goes(tmp_path: Path) -> None:
    path, counter = tmp_path / "home" / "profiles.toml", tmp_path / "counter"
    counter.write_text("0")
    link = tmp_path / "link.toml"  # another name of the same file: the same lock
    link.symlink_to(path)

    names = [path, path, link, link]
    all_end_well([python(COUNTER, str(name), str(counter), "60") for name in names])

    assert counter.read_text() == str(len(names) * 60)
    assert in_(tmp_path / "home") == []


@pytest.mark.thorough
@pytest.mark.parametrize("text", [None, "# mine", 'active = "x"\r\n[profiles.x]\r\n'])
def test_processes_that_write_at_once_lose_nothing_of_each_other(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "profiles.toml"
    if text is not None:
        path.write_bytes(text.encode())
    who = ["ana", "beto", "caro"]

    all_end_well([python(ADD_AND_REMOVE, str(path), name, "keep") for name in who])
    expected = {f"{name} {n}": {"PREFECT_API_URL": name} for name in who for n in range(8)}
    assert {name: table for name, table in tables(path.read_text()).items() if name != "x"} == expected

    all_end_well([python(ADD_AND_REMOVE, str(path), name, "remove") for name in who])
    assert (path.read_bytes().decode() if path.exists() else None) == text
    assert in_(tmp_path) == ([] if text is None else ["profiles.toml"])


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from infra.provider.profiles_file import ProfilesFile, locked
path = Path(sys.argv[1])
print(flush=True)
while True:
    for letter in "ab":
        with locked(path):
            ProfilesFile(path, f"# {letter * 400_000}\\n", exists=True).save()
"""


@pytest.mark.thorough
def test_a_writer_that_is_killed_leaves_a_whole_file_and_no_one_locked_out(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    whole = {f"# {letter * 400_000}\n" for letter in "ab"}
    path.write_text(min(whole))
    left_behind = set()
    for n in range(12):
        writer = python(WRITE_FOR_EVER, str(path))
        with writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.003 * n)
            writer.send_signal(signal.SIGKILL)
        assert path.read_text() in whole
        left_behind |= set(in_(tmp_path))
    assert left_behind <= {"profiles.toml", ".profiles.toml.new", ".profiles.toml.lock"}

    text = path.read_text()
    edit(path, "prod")
    assert tables(path.read_text()) == {"prod": SETTINGS}
    edit(path, "prod", remove=True)
    assert path.read_text() == text
    assert in_(tmp_path) == ["profiles.toml"]


HOLD = """
import sys, time
from pathlib import Path
from infra.provider.profiles_file import locked
with locked(Path(sys.argv[1])):
    print(flush=True)
    time.sleep(60)
"""


def test_a_lock_that_is_held_for_long_is_told_and_stays_its_holders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles_file, "LOCK_SECONDS", 0.2)
    path = tmp_path / "profiles.toml"
    with python(HOLD, str(path)) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for _ in range(2):
            with pytest.raises(LocalFile, match=r"another program has held its lock.*\.profiles\.toml\.lock"):
                edit(path, "prod")
        holder.kill()
    edit(path, "prod")
    assert in_(tmp_path) == ["profiles.toml"]


@pytest.mark.filterwarnings("ignore:Setting .* is not recognized")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=a_file(of_others=False), name=st.sampled_from(OURS))
def test_prefect_reads_what_was_written(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    from prefect.settings import PREFECT_PROFILES_PATH, load_profiles, temporary_settings

    path = tmp_path_factory.mktemp("home") / "profiles.toml"
    path.write_bytes(text.encode())
    values = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "PREFECT_API_AUTH_STRING": 'u:"\\ñ\n\x7f'}
    with locked(path):
        file = ProfilesFile.load(path)
        file.put(name, values, OWNERS[0])
        file.activate(name)
        file.save()

    with temporary_settings({PREFECT_PROFILES_PATH: path}):
        profiles = load_profiles()

    assert profiles.active_name == name
    read = {setting.name: value for setting, value in profiles[name].settings.items()}
    assert read == values
    assert set(tables(text)) <= set(profiles.names)
