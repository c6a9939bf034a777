"""What is kept outside the checkout: never half there, never made by two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.toolchain import cache
from infra.toolchain.paths import cache_root

_SLOW_BUILD = """
import sys, time
from pathlib import Path
from infra.toolchain import cache

def build(folder):
    (folder / "half").write_text("half")
    print("building", flush=True)
    time.sleep(60)

cache.entry(Path(sys.argv[1]), build)
"""

_HOLD_LOCK = """
import sys, time
from pathlib import Path
from infra.toolchain import cache

with cache.exclusive(Path(sys.argv[1]), lambda pid: print("waiting for", pid, flush=True)):
    print("holding", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def _python(code: str, *arguments: object) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_key_depends_on_each_part_on_their_order_and_on_where_they_end() -> None:
    keys = [cache.fingerprint(*parts) for parts in (("ab", "c"), ("a", "bc"), ("c", "ab"), ("abc",), ("abc", ""))]
    assert len(set(keys)) == len(keys)
    assert cache.fingerprint("ab", b"c") == keys[0]


def test_a_folders_key_changes_with_a_files_name_or_content(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("1")
    first = cache.files_fingerprint(tmp_path)
    (tmp_path / "sub" / "a").write_text("2")
    second = cache.files_fingerprint(tmp_path)
    (tmp_path / "sub" / "a").rename(tmp_path / "sub" / "b")
    assert len({first, second, cache.files_fingerprint(tmp_path)}) == 3


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("whole")

    for _ in range(2):
        assert (cache.entry(tmp_path / "it", build) / "file").read_text() == "whole"
    assert len(built) == 1


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.entry(tmp_path / "it", build)
    assert list(tmp_path.iterdir()) == []


def test_a_build_killed_in_the_middle_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    place = tmp_path / "it"
    process = _python(_SLOW_BUILD, place)
    assert _line(process) == "building"
    process.kill()
    process.wait()

    assert not place.exists()
    assert len(list(tmp_path.iterdir())) == 1
    cache.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert cache.entry(place, lambda folder: (folder / "whole").touch()).joinpath("whole").exists()


def test_sweeping_leaves_what_is_whole(tmp_path: Path) -> None:
    cache.entry(tmp_path / "it", lambda folder: (folder / "whole").touch())
    cache.sweep(tmp_path)
    assert (tmp_path / "it" / "whole").exists()


def test_a_second_process_waits_for_the_first_and_says_for_whom(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "lock"
    first = _python(_HOLD_LOCK, lock, 0.5)
    assert _line(first) == "holding"
    second = _python(_HOLD_LOCK, lock, 0)
    assert _line(second) == f"waiting for {first.pid}"
    assert first.poll() is None
    assert _line(second) == "holding"
    first.wait()
    assert second.wait() == 0


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    first = _python(_HOLD_LOCK, tmp_path / "lock", 60)
    assert _line(first) == "holding"
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    started = time.monotonic()
    with cache.exclusive(tmp_path / "lock", lambda pid: pytest.fail(f"waited for {pid}")):
        assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("environ", "platform", "place"),
    [
        ({"HOME": "/h"}, "linux", "/h/.cache/prefect-infra"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "linux", "/x/prefect-infra"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "relative"}, "linux", "/h/.cache/prefect-infra"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Caches/prefect-infra"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "darwin", "/x/prefect-infra"),
        ({"USERPROFILE": "/u", "LOCALAPPDATA": "/l"}, "win32", "/l/prefect-infra"),
    ],
)
def test_the_cache_is_where_the_platform_keeps_such_things(environ: dict[str, str], platform: str, place: str) -> None:
    assert cache_root(environ, platform) == Path(place)
