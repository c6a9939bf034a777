"""What each way in makes of a sample, whole: the stack's file, the flows, and what is told."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from infra.adoption import Imported, crontab, prefect_yaml, task_scheduler
from infra.adoption.application import change
from infra.model import load_stack_file

DATA = Path(__file__).parents[2] / "data"
GOLDEN = Path(__file__).with_name("golden")
ZONE = "America/Argentina/Buenos_Aires"
NOW = datetime(2026, 2, 15, 12, tzinfo=ZoneInfo(ZONE))
STACK = """\
config:
  prefect-infra:environment: prod # a comment that stays
  prefect-infra:areas:
    compras:
      queues: {urgente: {priority: 1}}
"""
TASKS = sorted((DATA / "task_scheduler").glob("*.xml"))


def from_crontab() -> Imported:
    text = (DATA / "ways_in" / "crontab").read_text(encoding="utf-8")
    return crontab.translate(crontab.parse(text, system=False), "compras")


def from_prefect_yaml() -> Imported:
    around = prefect_yaml.Surroundings(ZONE, (), ("urgente",), lambda _: False, NOW)
    return prefect_yaml.translate((DATA / "ways_in" / "prefect.yaml").read_text(encoding="utf-8"), around)


def from_task_scheduler() -> Imported:
    tasks = [task for path in TASKS for task in task_scheduler.parse(path.read_bytes(), path.stem)]
    return task_scheduler.translate(tasks, "compras", ZONE, NOW, say_timezone=False)


def told(texts: dict[str, str]) -> str:
    """The stack's file and the first flow whole; of the other flows, the lines that are their own."""
    stack, *flows = texts
    first = texts[flows[0]].splitlines(keepends=True) if flows else []
    made = "".join(f"==> {path}\n{texts[path]}" for path in (stack, *flows[:1]))
    for path in flows[1:]:
        own = [line for line in texts[path].splitlines(keepends=True) if line not in first]
        made += f"==> {path}, beyond the first\n{''.join(own)}"
    return made


@pytest.mark.parametrize("way", [from_crontab, from_prefect_yaml, from_task_scheduler], ids=lambda way: way.__name__)
def test_a_way_in_makes_what_it_made(way: object, tmp_path: Path) -> None:
    """Rewritten by GOLDEN=1 pytest tests/unit/adoption/test_golden_files.py."""
    assert callable(way)
    imported = way()
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK, encoding="utf-8")
    made = change(tmp_path, "prod", "compras", imported.drafts)
    made.write()
    text = told(dict(made.texts))
    text += "".join(f"==> {remark}\n" for remark in imported.remarks)

    golden = GOLDEN / f"{way.__name__}.txt"
    if os.environ.get("GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    stack = load_stack_file(tmp_path, "prod")
    assert {each.name for each in stack.areas[0].deployments} == {draft.deployment["name"] for draft in imported.drafts}
