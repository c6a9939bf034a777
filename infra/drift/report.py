"""What was found, told: as text, as Markdown, as JSON. The same findings give the same text, whenever it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.drift import shown
from infra.drift.differences import Difference, Field
from infra.drift.traces import Trace

_WHAT: Final = {
    "deleted": "deleted",
    "not made": "declared, and not made yet",
    "undeclared": "no longer declared; `pulumi up` takes it away",
}


@dataclass(frozen=True)
class Report:
    """Of one stack. `timezone`: what times are told in."""

    stack: str
    timezone: str
    found: Sequence[Difference]

    @property
    def drifted(self) -> tuple[Difference, ...]:
        """Those that somebody has changed where they are."""
        return tuple(each for each in self.found if each.is_drift)

    @property
    def pending(self) -> tuple[Difference, ...]:
        """Those where only the stack's files are ahead."""
        return tuple(each for each in self.found if not each.is_drift)

    def lines(self) -> Iterator[str]:
        yield f"{self.stack}: {self._headline()}"
        for each in self.drifted:
            yield ""
            yield from self._lines(each)
        if self.pending:
            yield ""
            yield f"Declared and not applied yet (`pulumi up --stack {self.stack}` does it):"
            for each in self.pending:
                yield from self._lines(each)
        if self.drifted:
            yield ""
            yield from self._ways()

    def markdown(self) -> str:
        parts = [f"### Drift: `{self.stack}`\n", f"{self._headline(capital=True)}.\n"]
        if self.drifted:
            parts.append("\n".join(self._table(self.drifted)) + "\n")
            parts.append("\n".join(f"- {line}" for line in self._ways()) + "\n")
        if self.pending:
            parts.append(
                "<details><summary>Declared and not applied yet: " + _counted(len(self.pending)) + "</summary>\n"
            )
            parts.append("\n".join(self._table(self.pending)) + "\n\n</details>\n")
        return "\n".join(parts)

    def table(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "stack": self.stack,
            "drift": bool(self.drifted),
            "objects": [_row(each) for each in (*self.drifted, *self.pending)],
        }

    def _headline(self, *, capital: bool = False) -> str:
        if self.drifted:
            verb = "is" if len(self.drifted) == 1 else "are"
            return f"{_counted(len(self.drifted))} {verb} not as the stack declares"
        return ("No drift" if capital else "no drift") + (" on the server" if self.pending else "")

    def _ways(self) -> Iterator[str]:
        yield f"To keep what was changed: `prefect-infra adopt --stack {self.stack}`"
        yield f"To put back what is declared: `pulumi up --refresh --stack {self.stack}`"

    def _lines(self, each: Difference) -> Iterator[str]:
        when = f" {self._when(each.trace)}" if each.trace else ""
        what = f": {_WHAT[each.what]}{when}" if each.what != "edited" else ""
        yield f"{_title(each)}{what}"
        for field in each.fields:
            when = f"; {self._when(field.trace)}" if field.trace else ""
            yield f"  {field.name}: {_sides(field, each.place)}{when}"

    def _table(self, found: Sequence[Difference]) -> Iterator[str]:
        yield "| area | object | field | declared | found | changed |"
        yield "|---|---|---|---|---|---|"
        for each in found:
            start = f"| {_cell(each.area or '')} | {each.kind} {_code(each.name)} |"
            if each.what != "edited":
                when = self._when(each.trace) if each.trace else ""
                yield f"{start} | | {_cell(_WHAT[each.what])} | {when} |"
            for field in each.fields:
                sides = shown.sides(field)
                values = " | ".join(_code(shown.text(sides[side])) for side in ("declared", "server"))
                when = self._when(field.trace) if field.trace else ""
                yield f"{start} {_code(field.name)} | {values} | {when} |"

    def _when(self, trace: Trace) -> str:
        at = shown.moment(trace.time, self.timezone)
        return at if trace.told_by == "event" else f"{at} at the latest"


def _title(each: Difference) -> str:
    return " ".join(part for part in (f"{each.area}:" if each.area else "", each.kind, each.name) if part)


def _sides(field: Field, place: str) -> str:
    """What is there, and what should be; what the state remembers where that is a third thing."""
    sides = {side: shown.text(value) for side, value in shown.sides(field).items()}
    third = f", {sides['state']} at the last up" if field.side == "both" else ""
    return f"{sides['server']} {place}, {sides['declared']} declared{third}"


def _row(each: Difference) -> dict[str, Any]:
    return {
        "area": each.area,
        "kind": each.kind,
        "name": each.name,
        "urn": each.urn,
        "what": each.what,
        "drift": each.is_drift,
        "changed": _trace(each.trace),
        "fields": [
            {
                "field": field.name,
                "property": field.api_name,
                "changed_side": field.side,
                **shown.sides(field),
                "changed": _trace(field.trace),
            }
            for field in each.fields
        ],
    }


def _trace(trace: Trace | None) -> dict[str, str] | None:
    return None if trace is None else {"at": trace.time, "told_by": trace.told_by}


def _counted(number: int) -> str:
    return "1 object" if number == 1 else f"{number} objects"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _code(text: str) -> str:
    """As code within a table, whatever is in it."""
    fence = "`" if "`" not in text else "``"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|')}{pad}{fence}" if text else ""
