"""A picture as SVG, and as an HTML page that needs nothing beside it. Hover texts are SVG's own titles: no script."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from infra.timeline.picture import Box, Label, Line, Picture, Shape

_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def svg(picture: Picture) -> str:
    root = _root(picture)
    root.set("xmlns", _NAMESPACE)
    ET.indent(root, space=" ")
    return ET.tostring(root, encoding="unicode") + "\n"


def html(picture: Picture) -> str:
    page = ET.Element("html", {"lang": "en"})
    head = ET.SubElement(page, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    ET.SubElement(head, "meta", {"name": "viewport", "content": "width=device-width"})
    ET.SubElement(head, "title").text = picture.title
    ET.SubElement(head, "style").text = "body { margin: 0; background: #ffffff } svg { max-width: 100%; height: auto }"
    body = ET.SubElement(page, "body")
    body.append(_root(picture))
    ET.indent(page, space=" ")
    return "<!DOCTYPE html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _root(picture: Picture) -> ET.Element:
    size = {"width": str(picture.width), "height": str(picture.height)}
    box = f"0 0 {picture.width} {picture.height}"
    root = ET.Element("svg", {**size, "viewBox": box, "font-family": _FONT, "role": "img"})
    ET.SubElement(root, "title").text = picture.title
    ET.SubElement(root, "rect", {**size, "fill": "#ffffff"})
    for shape in picture.shapes:
        root.append(_element(shape))
    return root


def _element(shape: Shape) -> ET.Element:
    match shape:
        case Box():
            place = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
            made = ET.Element("rect", {**_numbers(place), "fill": shape.fill})
        case Line():
            place = {"x1": shape.x1, "y1": shape.y1, "x2": shape.x2, "y2": shape.y2}
            dash = {"stroke-dasharray": "4 3"} if shape.dashed else {}
            return ET.Element("line", {**_numbers(place), "stroke": shape.colour, **dash})
        case Label():
            anchor = {} if shape.anchor == "start" else {"text-anchor": shape.anchor}
            weight = {"font-weight": "bold"} if shape.bold else {}
            place = {"x": shape.x, "y": shape.y, "font-size": shape.size}
            made = ET.Element("text", {**_numbers(place), "fill": shape.colour, **anchor, **weight})
            made.text = shape.text
    if shape.hover is not None:
        ET.SubElement(made, "title").text = shape.hover
    return made


def _numbers(values: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.2f}".rstrip("0").rstrip(".") for name, value in values.items()}
