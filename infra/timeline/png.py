"""A picture as PNG, by Pillow, which is an extra: `pip install 'prefect-infra[png]'`.

Pillow rather than a converter of SVG: those need system libraries (cairo) or the machine's own fonts, and a container
has none; Pillow is one wheel with a font of its own in it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from infra.timeline.picture import Box, Label, Line, Picture

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_SCALE: Final = 2
_DASH: Final = (4, 3)
_ANCHORS: Final = {"start": "ls", "middle": "ms", "end": "rs"}


class PillowMissing(Exception):  # noqa: N818  # said as it is
    """The extra isn't installed."""


def png(picture: Picture) -> bytes:
    """Twice the size in pixels, for screens of today. Raises: PillowMissing."""
    try:
        from PIL import Image, ImageDraw  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise PillowMissing("a PNG needs Pillow: pip install pillow, or write an .svg or .html") from error
    image = Image.new("RGB", (picture.width * _SCALE, picture.height * _SCALE), "#ffffff")
    draw = ImageDraw.Draw(image)
    for shape in picture.shapes:
        match shape:
            case Box():
                right, bottom = shape.x + shape.width, shape.y + shape.height
                draw.rectangle([shape.x * _SCALE, shape.y * _SCALE, right * _SCALE, bottom * _SCALE], fill=shape.fill)
            case Line():
                _line(draw, shape)
            case Label():
                _label(draw, shape)
    written = io.BytesIO()
    image.save(written, format="PNG", optimize=True)
    return written.getvalue()


def _line(draw: ImageDraw, line: Line) -> None:
    if not line.dashed:
        _stroke(draw, line, 0, 1)
        return
    length = max(abs(line.x2 - line.x1), abs(line.y2 - line.y1), 1)
    stroke, gap = _DASH
    at = 0
    while at < length:
        _stroke(draw, line, at / length, min((at + stroke) / length, 1))
        at += stroke + gap


def _stroke(draw: ImageDraw, line: Line, first: float, last: float) -> None:
    points = [
        ((line.x1 + (line.x2 - line.x1) * part) * _SCALE, (line.y1 + (line.y2 - line.y1) * part) * _SCALE)
        for part in (first, last)
    ]
    draw.line(points, fill=line.colour, width=_SCALE)


def _label(draw: ImageDraw, label: Label) -> None:
    from PIL import ImageFont  # noqa: PLC0415  # an extra

    font = ImageFont.load_default(size=label.size * _SCALE)
    width = 1 if label.bold else 0  # the font has no bold face: a stroke in the same colour does for one
    draw.text(
        (label.x * _SCALE, label.y * _SCALE),
        label.text,
        fill=label.colour,
        font=font,
        anchor=_ANCHORS[label.anchor],
        stroke_width=width * 0.4,
        stroke_fill=label.colour,
    )
