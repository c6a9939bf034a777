"""The results as a plain SVG: bars of seconds, grouped by size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

XMLNS: Final = "http://www.w3.org/2000/svg"
WIDTH: Final = 720
LABEL: Final = 190
BAR: Final = 16
COLOURS: Final = {
    "bare calls": "#8a8f98",
    "prefect work-pool create": "#d18b47",
    "prefect deploy --all": "#d18b47",
    "Terraform's first apply": "#d18b47",
}
OURS: Final = "#2d6df6"


def svg(results: Mapping[str, Any]) -> str:
    rows: list[tuple[str, float | None]] = []
    for size, run in results["sizes"].items():
        rows.append((f"{size} deployments, {results['database']}", None))
        rows += _bars(run)
    longest = max((seconds for _, seconds in rows if seconds is not None), default=1.0)
    scale = (WIDTH - LABEL - 70) / longest
    height = 20 + len(rows) * (BAR + 6)
    parts = [
        f'<svg xmlns="{XMLNS}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for n, (name, seconds) in enumerate(rows):
        y = 10 + n * (BAR + 6)
        if seconds is None:
            parts.append(f'<text x="10" y="{y + 13}" font-weight="bold">{name}</text>')
            continue
        length = max(1.0, seconds * scale)
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end">{name}</text>',
            f'<rect x="{LABEL}" y="{y}" width="{length:.0f}" height="{BAR}" fill="{COLOURS.get(name, OURS)}"/>',
            f'<text x="{LABEL + length + 6:.0f}" y="{y + 13}">{seconds:.1f} s</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def _bars(run: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    bars: list[tuple[str, float | None]] = []
    if "raw" in run:
        bars.append(("bare calls", run["raw"]["best"]))
    if "create_pools" in run:
        bars.append(("prefect work-pool create", run["create_pools"]))
    if "deploy_all" in run:
        bars.append(("prefect deploy --all", run["deploy_all"]))
    if "terraform" in run:
        bars.append(("Terraform's first apply", run["terraform"]["first_apply"]))
    names = {
        "first_up": "first up",
        "no_op": "no-op up",
        "no_op_refresh": "no-op up --refresh",
        "change_one": "change of one field",
        "destroy": "destroy",
        "empty_up": "empty up",
    }
    ours = run.get("ours", {})
    return bars + [(title, ours[key]["seconds"]) for key, title in names.items() if key in ours]
