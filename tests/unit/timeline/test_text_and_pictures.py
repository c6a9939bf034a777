"""How a timeline looks: whole files kept in golden/, made again by UPDATE_GOLDEN=1."""

from __future__ import annotations

import io
import json
import os
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from infra.timeline import Timeline, Window, calculate
from infra.timeline.picture import Label, Picture, picture
from infra.timeline.png import png
from infra.timeline.svg import html, svg
from infra.timeline.table import table
from infra.timeline.text import cell_minutes, lines
from tests.unit.timeline.conftest import COMPANY, GOLDEN, Declare

ZONE = "America/Santiago"


@pytest.fixture(params=[1, 7])
def company(request: pytest.FixtureRequest, declare: Declare) -> Timeline:
    """A day without, and a week with a change of the clock."""
    return calculate(declare(COMPANY, ZONE), Window(date(2026, 9, 2), request.param, ZONE), 300)


def same_as_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def as_text(timeline: Timeline, *, colour: bool = False, inactive: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=colour, soft_wrap=True, highlight=False, width=200)
    for line in lines(timeline, cell_minutes(timeline, None), inactive=inactive):
        console.print(line)
    return out.getvalue()


def test_the_text(company: Timeline) -> None:
    same_as_golden(f"{company.window.days}.txt", as_text(company))


def test_the_picture(company: Timeline) -> None:
    same_as_golden(f"{company.window.days}.svg", svg(picture(company, inactive=True)))


def test_the_data(company: Timeline) -> None:
    same_as_golden(f"{company.window.days}.json", json.dumps(table(company), indent=1) + "\n")


def test_colour_adds_no_sign(company: Timeline) -> None:
    coloured = as_text(company, colour=True)

    assert "\x1b[" in coloured
    assert "\x1b[" not in as_text(company)


def test_on_a_narrow_terminal_cells_are_wider(company: Timeline) -> None:
    narrow = cell_minutes(company, 80)

    assert narrow > cell_minutes(company, 200)
    assert max(len(line.plain) for line in list(lines(company, narrow, inactive=True))[3:10]) <= 80


def test_what_is_inactive_is_left_out_and_told_or_shown(company: Timeline) -> None:
    assert "limpiar" not in as_text(company, inactive=False)
    assert "1 inactive schedule is left out: --inactive shows" in as_text(company, inactive=False)
    assert "limpiar" not in svg(picture(company))
    assert "limpiar (inactive)" in svg(picture(company, inactive=True))


def test_the_page_is_one_file_that_loads_nothing_and_tells_each_cell(company: Timeline) -> None:
    page = html(picture(company))

    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    titles = [
        each.text or "" for each in ET.fromstring(svg(picture(company))).iter("{http://www.w3.org/2000/svg}title")
    ]
    assert any("13:28 avisar" in title for title in titles)
    assert all(f"<title>{line}" in page for line in ("importar-precios: cron-30-1-13-17, queue urgente",))


def test_names_are_no_markup(declare: Declare) -> None:
    areas = {
        "compras": {
            "deployments": [{"name": "a [red] 'b' \"c\"", "entrypoint": "f.py:f", "schedules": [{"cron": "@daily"}]}]
        }
    }
    made = calculate(declare(areas), Window(date(2026, 9, 2), 1, ZONE), 300)

    assert "a [red] 'b'" in as_text(made)
    assert "a [red] 'b' \"c\"" in [
        each.text for each in ET.fromstring(svg(picture(made))).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_a_png_without_a_font_for_accents_leaves_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a box in the place of the letter."""

    monkeypatch.setattr("infra.timeline.png._FONTS", ("no-such-font.ttf",))
    texts = ("revisión del año", "revision del ano")
    accents, plain = (Picture("t", 200, 40, (Label(10, 30, text),)) for text in texts)

    assert png(accents) == png(plain)


def test_a_png_is_twice_the_size(company: Timeline) -> None:
    from PIL import Image

    drawn = picture(company)
    made = Image.open(io.BytesIO(png(drawn)))

    assert made.size == (drawn.width * 2, drawn.height * 2)
    assert len(made.convert("RGB").getcolors(1 << 24) or ()) > 10
