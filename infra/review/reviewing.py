"""A plan, the declaration before and after, and what the rules say: one review of it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from infra.model import Finding, Stack
from infra.model.excerpts import Excerpts
from infra.review.beside import beside
from infra.review.blinding import Blinding
from infra.review.changed_lines import OwnedFiles, is_new
from infra.review.consequences import (
    Loss,
    Restart,
    Revision,
    SecretChange,
    losses,
    restarts,
    revisions,
    secret_changes,
)
from infra.review.digest import digest
from infra.review.headlines import AreaReview, area_reviews
from infra.review.load import Collision, Load, collisions, loads, week
from infra.review.plan import Plan, Step
from infra.review.turned_back import turned_back

MOST_FINDINGS: Final = 20
"""That are told in full; more are no review."""


@dataclass(frozen=True)
class Side:
    """What a revision's files declare. `secrets`: the encrypted top-level values, by key."""

    stack: Stack | None
    findings: tuple[Finding, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """All that a review is made of."""

    name: str
    root: Path
    plan: Plan | None
    after: Side
    before: Side | None
    base: str | None
    """What people call the revision of `before`."""
    first: date
    """The day from whose beginning firings and load are told."""
    added: Mapping[str, frozenset[int]] | None = None
    """By file, the lines that the change adds; None where there is nothing to compare with."""
    owners: tuple[OwnedFiles, ...] = ()
    max_deletes: int | None = None
    runs: Mapping[str, int] | None = None
    """That the server knows of, by pool and deployment; None: it wasn't asked."""
    running: Mapping[str, int] | None = None
    """Runs in flight, by deployment; None: the server wasn't asked."""


@dataclass(frozen=True)
class Found:
    """A finding of the rules, with its line."""

    severity: str
    code: str
    place: str
    text: str
    is_new: bool


@dataclass(frozen=True)
class Review:
    stack: str
    timezone: str | None
    base: str | None
    first: date
    digest: str | None
    """None without a plan."""
    refusals: tuple[str, ...]
    areas: tuple[AreaReview, ...]
    """Those that something happens to; the platform's own part, if any, comes last and has no name."""
    beside: tuple[Step, ...]
    """What the plan changes although this change doesn't."""
    restarts: tuple[Restart, ...]
    running: Mapping[str, int] | None
    losses: tuple[Loss, ...]
    max_deletes: int | None
    secrets: tuple[SecretChange, ...]
    revisions: tuple[Revision, ...]
    loads: tuple[Load, ...]
    collisions: tuple[Collision, ...]
    findings: tuple[Found, ...]
    owners: tuple[OwnedFiles, ...]
    plan: Plan | None
    blinding: Blinding
    """Through which all text goes that is told."""

    @property
    def too_many_deletes(self) -> bool:
        return self.max_deletes is not None and len(self.losses) > self.max_deletes

    @property
    def changes_nothing(self) -> bool:
        return not self.areas and (self.plan is None or self.plan.is_empty)


def review(question: Question) -> Review:
    """The same for the same question, whenever and wherever it is asked."""
    plan, after = question.plan, question.after.stack
    blinding = plan.blinding if plan is not None else Blinding()
    before = question.before.stack if question.before is not None else None
    if question.before is None and plan is not None and after is not None:
        before = turned_back(after, plan)
    compared = after is not None and before is not None
    areas = {area.name: area for side in (before, after) if side for area in side.areas}
    timezone = after.timezone if after else before.timezone if before else None
    weeks = (
        (week(before, question.first, timezone), week(after, question.first, timezone)) if compared and timezone else ()
    )
    lost = losses(plan, areas, question.runs) if plan else ()
    again = restarts(plan, before or after) if plan else ()
    return Review(
        stack=question.name,
        timezone=timezone,
        base=question.base,
        first=question.first,
        digest=digest(plan, question.after.secrets, question.root) if plan else None,
        refusals=_refusals(question, lost),
        areas=area_reviews(plan, before if compared else None, after if compared else None, question.first, again),
        beside=beside(plan, before, after) if plan and question.before and before and after else (),
        restarts=again,
        running=question.running,
        losses=lost,
        max_deletes=question.max_deletes,
        secrets=secret_changes(plan, question.before.secrets if question.before else {}, question.after.secrets)
        if question.before
        else secret_changes(plan, question.after.secrets, question.after.secrets),
        revisions=revisions(plan) if plan else (),
        loads=loads(*weeks) if weeks else (),
        collisions=collisions(*weeks) if weeks else (),
        findings=_findings(question),
        owners=question.owners,
        plan=plan,
        blinding=blinding,
    )


def _refusals(question: Question, lost: tuple[Loss, ...]) -> tuple[str, ...]:
    told = []
    errors = sum(each.severity == "error" for each in question.after.findings)
    if errors:
        what = "an error" if errors == 1 else f"{errors} errors"
        told.append(f"what the stack declares has {what}: nothing can be planned before that is mended")
    elif question.plan is not None and question.plan.errors:
        told.append("the preview did not end well")
    if question.max_deletes is not None and len(lost) > question.max_deletes:
        count = "1 thing that" if len(lost) == 1 else f"{len(lost)} things that"
        told.append(f"it destroys {count} can't be got back, and at most {question.max_deletes} may be")
    return tuple(told)


def _findings(question: Question) -> tuple[Found, ...]:
    excerpts = Excerpts(question.root, question.after.findings)
    return tuple(
        Found(
            severity=each.severity,
            code=each.rule.code,
            place=each.place,
            text=excerpts.told(each),
            is_new=question.added is None or each.line is None or is_new(question.added, each.file, each.line),
        )
        for each in question.after.findings
    )
