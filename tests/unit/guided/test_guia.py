"""What the guide says of schedules in words is what they become."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from infra.guided.spoken import schedules

GUIDE = (Path(__file__).parents[3] / "docs" / "guia.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| `((?:cron|interval|rrule): [^`]+)` \|$", GUIDE, re.MULTILINE)


def test_the_guide_has_such_a_table() -> None:
    assert len(ROWS) >= 10


@pytest.mark.parametrize(("said", "becomes"), ROWS)
def test_every_phrase_of_the_guide_becomes_what_stands_beside_it(said: str, becomes: str) -> None:
    assert schedules(said) == (YAML(typ="safe").load(becomes),)
