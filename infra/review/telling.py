"""A review in sections of lines, for whatever shows it. What stands between backticks is a name or a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from infra.review.digest import SHOWN
from infra.review.headlines import KINDS, AreaReview, counted
from infra.review.load import Load
from infra.review.plan import Change, Step
from infra.review.reviewing import MOST_FINDINGS, Found, Review
from infra.review.schedules import FIRINGS, ScheduleChange, When
from infra.timeline.words import limit

_WIDEST: Final = 100
"""Of a value that is shown."""
_LOUD_FROM: Final = 1
_SIGNS: Final = {"create": "+", "delete": "-", "update": "~", "replace": "!", "import": "="}
_OPS: Final = {
    "create": "to create",
    "update": "to change",
    "replace": "to replace",
    "delete": "to delete",
    "same": "unchanged",
}


@dataclass(frozen=True)
class Code:
    """Lines that stand as they are, in the language of their colours."""

    lines: tuple[str, ...]
    language: str = "text"


@dataclass(frozen=True)
class Section:
    title: str
    body: tuple[str | Code, ...]


@dataclass(frozen=True)
class Told:
    """`alarms` are told loudly and before all else, `headlines` next; then sections, which may be folded."""

    title: str
    alarms: tuple[str, ...]
    headlines: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: str


def tell(review: Review) -> Told:
    """Everything in it has gone through the review's blinding."""
    clean = review.blinding.text

    def cleaned(body: Sequence[str | Code]) -> tuple[str | Code, ...]:
        return tuple(
            clean(each) if isinstance(each, str) else Code(tuple(map(clean, each.lines)), each.language)
            for each in body
        )

    return Told(
        title=f"Review of the stack {code(clean(review.stack))}",
        alarms=tuple(map(clean, _alarms(review))),
        headlines=tuple(map(clean, _headlines(review))),
        sections=tuple(Section(clean(each.title), cleaned(each.body)) for each in _sections(review) if each.body),
        foot=clean(_foot(review)),
    )


def code(value: object) -> str:
    """A name or value, told apart from words."""
    text = str(value).replace("`", "'").replace("\n", " ").strip()
    return f"`{text or ' '}`"


def short(value: Any) -> str:
    """A value in one line, cut where it goes on for ever."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return code(text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…")


def _alarms(review: Review) -> Iterator[str]:
    for told in review.refusals:
        yield f"Refused: {told}."
    if review.losses:
        yield f"Destroyed, and can't be got back ({len(review.losses)}):"
        for loss in review.losses:
            verb = "replaced by a new one" if loss.verb == "replace" else "removed"
            runs = f" It has {counted(loss.runs, 'run')} on the server." if loss.runs else ""
            kept = " It is protected: Pulumi will refuse." if loss.protected else ""
            yield f"- {KINDS.get(loss.type, loss.type)} {code(loss.name)} is {verb}: {loss.effect}.{runs}{kept}"


def _headlines(review: Review) -> Iterator[str]:
    for area in review.areas:
        yield f"{plain(area.title)}: {area}"
    if review.changes_nothing and not review.refusals:
        yield "Nothing changes."
    elif review.plan is not None and review.plan.is_empty and not review.refusals:
        yield "The plan changes nothing: the stack is like that already."
    if review.beside:
        names = ", ".join(f"{KINDS.get(step.type, step.type)} {code(step.name)}" for step in review.beside)
        base = plain(str(review.base))
        yield f"Not of this change: {names}. What is declared at {base} was not brought up, or edited"
    for collision in review.collisions:
        yield f"New collision: {plain(collision.told)}"
    new = [each for each in review.findings if each.is_new]
    if new:
        yield f"Rules: {_weighed(new)}{' on the lines of this change' if review.base else ''}"


def _weighed(found: Sequence[Found]) -> str:
    errors = sum(each.severity == "error" for each in found)
    parts = [counted(n, what) for n, what in ((errors, "error"), (len(found) - errors, "warning")) if n]
    return ", ".join(parts)


def _sections(review: Review) -> Iterator[Section]:
    if review.findings:
        yield Section("Rules", tuple(_findings(review)))
    for area in review.areas:
        yield Section(plain(area.title), tuple(_area(area)))
    if review.restarts:
        yield Section(f"What starts again ({len(review.restarts)})", tuple(_restarts(review)))
    if review.loads:
        yield Section("Load of the work pools", tuple(_loads(review)))
    if review.secrets:
        yield Section("Secrets", tuple(f"{code(each.name)}: {each.kind}" for each in review.secrets))
    if review.revisions:
        moved = (
            f"{each.what}: {short(each.before)} → {short(each.after)}"
            if each.before
            else f"{each.what}: new, {short(each.after)}"
            for each in review.revisions
        )
        yield Section("Images and code", tuple(moved))
    if review.owners:
        yield Section(
            "Owners of the files that change",
            tuple(f"{plain(each.owner)}: {', '.join(map(code, each.files))}" for each in review.owners),
        )
    if review.plan is not None:
        yield Section(f"Pulumi's plan: {_counts(review)}", tuple(_plan(review)))


def _area(area: AreaReview) -> Iterator[str | Code]:
    if area.renamed_from:
        yield (
            f"The area was {code(area.renamed_from)}. Its deployments keep their ids, schedules and history, and go"
            " over to the new work pool; all else that it consists of is made anew under the new name."
        )
    for change in area.schedules:
        yield from _schedule(change)
    if area.runs:
        before, after = (f"{each:.1f}".removesuffix(".0") for each in (area.runs_a_day_before, area.runs_a_day_after))
        yield f"Runs a day, on average: {before} → {after}"
    for step in area.steps:
        yield from _step(step)


def _schedule(change: ScheduleChange) -> Iterator[str]:
    yield f"{code(change.deployment)}: schedule {change.kind}"
    for side, when in (("before", change.before), ("after", change.after)):
        if when is not None:
            state = "" if when.active else ", inactive"
            yield f"- {side}: {plain(when.words)} ({code(when.written)}), {when.timezone}{state}"
            yield f"  - {'next' if when.active else 'if it were active'}: {_firings(when)}"
    for clock in change.clock_changes:
        yield f"- {clock}"


def _firings(when: When) -> str:
    if not when.firings:
        return "never again"
    offsets = {each.utcoffset() for each in when.firings}
    told = ", ".join(_firing(each, with_offset=len(offsets) > 1) for each in when.firings)
    return told if len(when.firings) == FIRINGS else f"{told}, and no more"


def _firing(moment: datetime, *, with_offset: bool) -> str:
    return f"{moment:%a %d %b %H:%M}" + (f" ({moment:%z})" if with_offset else "")


def _step(step: Step) -> Iterator[str]:
    kind = KINDS.get(step.type, step.type)
    if kind == "deployment" and step.verb == "create":
        where = f"{short(step.inputs.get('entrypoint'))} in {short(step.inputs.get('work_pool_name'))}"
        yield f"New deployment {code(step.name)}: {where}"
        return
    # Schedules are told in words; a pool is known by its name.
    told = ("schedules", "work_pool_id") if kind == "deployment" else ()
    shown = [change for change in step.changes if not change.path.startswith(told)]
    if step.verb == "update" and shown:
        yield f"{kind.capitalize()} {code(step.name)}:"
        yield from (f"- {_change(change)}" for change in shown)


def _change(change: Change) -> str:
    because = ", which replaces it" if change.replaces else ""
    if change.is_secret and change.before == change.after:
        return f"{code(change.path)}: another secret{because}"
    return f"{code(change.path)}: {short(change.before)} → {short(change.after)}{because}"


def _restarts(review: Review) -> Iterator[str]:
    for each in review.restarts:
        verb = "goes" if each.goes else "is replaced"
        why = f" ({', '.join(map(code, each.reasons))})" if each.reasons and not each.goes else ""
        yield f"{each.role} {code(each.container)} {verb}{why}: {each.effect}"
        if each.flows:
            yield f"- runs in flight of {', '.join(_flow(name, review) for name in each.flows)}"


def _flow(name: str, review: Review) -> str:
    if review.running is None:
        return code(name)
    return f"{code(name)} ({review.running.get(name, 0)} running)"


def _loads(review: Review) -> Iterator[str | Code]:
    yield (
        "The most runs at once in each hour of the day, over a week, when each lasts 5 minutes; one sign is one hour,"
        f" from 00:00 {review.timezone} on."
    )
    width = max(len(each.pool) for each in review.loads)
    lines = []
    for load in review.loads:
        for after in (False, True):
            name = load.pool if not after else ""
            lines.append(f"{name.ljust(width)}  {'after ' if after else 'before'}  {_drawn(load, after=after)}")
    yield Code(tuple(lines))
    yield from (f"New collision: {plain(each.told)}" for each in review.collisions)


def _drawn(load: Load, *, after: bool) -> str:
    peak, bound = (load.peak_after, load.limit_after) if after else (load.peak_before, load.limit_before)
    there = load.after if after else load.before
    if not there:
        return "not there"
    over = "  over the limit" if bound is not None and peak > bound else ""
    return f"{load.drawn(after=after)}  peak {peak}, limit {limit(bound)}{over}"


def _findings(review: Review) -> Iterator[str | Code]:
    new = [each for each in review.findings if each.is_new]
    for each in new[:MOST_FINDINGS]:
        yield Code(tuple(each.text.splitlines()))
    if len(new) > MOST_FINDINGS:
        yield f"And {len(new) - MOST_FINDINGS} more: `prefect-infra check` tells all."
    old = [each for each in review.findings if not each.is_new]
    if old:
        yield f"On lines that this change leaves alone: {_weighed(old)}."
        yield from (f"- {code(each.place)} {each.severity} {each.code}" for each in old[:MOST_FINDINGS])


def _counts(review: Review) -> str:
    assert review.plan is not None
    counts = review.plan.counts
    told = [f"{counts[op]} {words}" for op, words in _OPS.items() if counts.get(op)]
    return ", ".join(told) or "nothing to do"


def _plan(review: Review) -> Iterator[str | Code]:
    assert review.plan is not None
    for each in review.plan.diagnostics:
        if each.severity in ("error", "warning"):
            yield Code((f"{each.severity}: {each.message}",))
    lines: list[str] = []
    for step in review.plan.steps:
        mark = " [protected]" if step.protected else ""
        lines.append(f"{_SIGNS.get(step.verb, '?')} {step.type} {step.name}{mark}")
        for change in step.changes:
            values = f"{_value(change.before)} => {_value(change.after)}"
            lines.append(f"      {change.path}: {values}{' (replaces)' if change.replaces else ''}")
        if step.verb == "create" and not step.type.startswith("prefect-infra:"):
            lines += [f"      {name}: {_value(value)}" for name, value in sorted((step.new or {}).items())]
    if lines:
        yield Code(tuple(line.replace("\n", "\\n") for line in lines), "diff")


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 2 * _WIDEST else f"{text[: 2 * _WIDEST]}…"


def _foot(review: Review) -> str:
    told = [f"Next runs and load count from {review.first:%a %d %b %Y} on"]
    told.append(f"compared with {code(review.base)}" if review.base else "compared with the stack's state")
    if review.digest:
        told.append(f"plan {code(review.digest[:SHOWN])}")
    return ", ".join(told) + "."


def plain(text: str) -> str:
    """Words that are somebody's own: no backticks, which would make names of them."""
    return text.replace("`", "'").replace("\n", " ")
