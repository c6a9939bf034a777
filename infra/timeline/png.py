"""A picture as PNG, by Pillow, which is an extra: `pip install 'prefect-infra[png]'`.

Pillow rather than a converter of SVG: those need system libraries (cairo) or the machine's own fonts, and a container
has none; Pillow is one wheel with a font of its own in it. That font knows plain letters only: where a name has others,
a common font of the machine is taken, and where there is none, they lose their accents.
"""

from __future__ import annotations

import io
import unicodedata
from typing import TYPE_CHECKING, Final

from infra.timeline.picture import Box, Label, Line, Picture

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

_SCALE: Final = 2
_DASH: Final = (4, 3)
_FONTS: Final = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "Helvetica.ttc")
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
    fonts = _Fonts(plain=all(shape.text.isascii() for shape in picture.shapes if isinstance(shape, Label)))
    for shape in picture.shapes:
        match shape:
            case Box():
                right, bottom = shape.x + shape.width, shape.y + shape.height
                draw.rectangle([shape.x * _SCALE, shape.y * _SCALE, right * _SCALE, bottom * _SCALE], fill=shape.fill)
            case Line():
                _line(draw, shape)
            case Label():
                _label(draw, shape, fonts)
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


class _Fonts:
    """One font for a picture. `plain`: whether all of its letters are ASCII, and so look the same on every machine."""

    def __init__(self, *, plain: bool) -> None:
        self._name = None if plain else next(filter(_is_there, _FONTS), None)

    def of_size(self, size: int) -> FreeTypeFont | ImageFont:
        from PIL import ImageFont  # noqa: PLC0415  # an extra

        return ImageFont.load_default(size) if self._name is None else ImageFont.truetype(self._name, size)

    def drawable(self, text: str) -> str:
        if self._name is not None:
            return text
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _is_there(font: str) -> bool:
    from PIL import ImageFont  # noqa: PLC0415  # an extra

    try:
        ImageFont.truetype(font, 12)
    except OSError:
        return False
    return True


def _label(draw: ImageDraw, label: Label, fonts: _Fonts) -> None:
    width = 1 if label.bold else 0  # the font has no bold face: a stroke in the same colour does for one
    draw.text(
        (label.x * _SCALE, label.y * _SCALE),
        fonts.drawable(label.text),
        fill=label.colour,
        font=fonts.of_size(label.size * _SCALE),
        anchor=_ANCHORS[label.anchor],
        stroke_width=width * 0.4,
        stroke_fill=label.colour,
    )
