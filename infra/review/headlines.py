"""What happens to each area, in one line and in several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Final

from infra.model import Area, Deployment, Stack
from infra.review.consequences import Restart
from infra.review.placing import AREA, area_of
from infra.review.plan import CONTAINER, VOLUME, Plan, Step
from infra.review.schedules import ScheduleChange, mean_runs_a_day, schedule_changes

KINDS: Final = {
    "prefect:index:Deployment": "deployment",
    "prefect:index:WorkPool": "work pool",
    "prefect:index:WorkQueue": "queue",
    "prefect:index:Block": "block",
    "prefect:index:Variable": "variable",
    "prefect:index:Automation": "automation",
    "prefect:index:GlobalConcurrencyLimit": "concurrency limit",
    "prefect:index:Profile": "profile",
    "prefect:index:GeneratedSecret": "generated secret",
    "prefect:index:HostPort": "port",
    "prefect:index:PidsLimit": "limit of processes",
    "prefect:index:HandedOver": "hand-over",
    "prefect:index:SwarmService": "service",
    "prefect:index:PushedImage": "pushed image",
    "prefect:index:NodeVolume": "volume",
    "prefect:index:NodeImage": "image on the nodes",
    CONTAINER: "container",
    VOLUME: "volume",
    "docker:index/network:Network": "network",
    "docker:index/remoteImage:RemoteImage": "image",
    "pulumi:providers:prefect": "connection",
    AREA: "area",
    "prefect-infra:index:Server": "server",
}
_IN_HEADLINES: Final = ("deployment", "work pool", "queue", "volume", "block", "variable", "automation")
_DONE: Final = {
    "create": "new",
    "update": "changed",
    "replace": "replaced",
    "delete": "removed",
    "import": "taken over",
}
_NOTHING_ELSE: Final = 0.05
"""Runs a day that are none, when rounded."""


@dataclass(frozen=True)
class AreaReview:
    """`name`: None for what all areas share. `renamed_from`: the area that it was."""

    name: str | None
    title: str
    renamed_from: str | None
    headline: tuple[str, ...]
    runs_a_day_before: float
    runs_a_day_after: float
    schedules: tuple[ScheduleChange, ...]
    steps: tuple[Step, ...]

    @property
    def runs(self) -> str | None:
        """How many runs a day more or fewer, in words."""
        difference = self.runs_a_day_after - self.runs_a_day_before
        if abs(difference) < _NOTHING_ELSE:
            return None
        count = f"{abs(difference):.1f}".removesuffix(".0")
        return f"{count} run{'' if count == '1' else 's'} a day {'more' if difference > 0 else 'fewer'}"

    def __str__(self) -> str:
        told = ", ".join(self.headline) or "no change of what it consists of"
        return f"{told}; {self.runs}" if self.runs else told


def area_reviews(
    plan: Plan | None, before: Stack | None, after: Stack | None, first: date, restarts: Sequence[Restart]
) -> tuple[AreaReview, ...]:
    old, new = _areas(before), _areas(after)
    renamed = _renamed(old, new)
    known = {**old, **new}
    steps: dict[str | None, list[Step]] = {}
    for step in plan.steps if plan else ():
        area = area_of(step, known)
        steps.setdefault(_now(area, renamed), []).append(step)
    schedules = schedule_changes(before, after, first) if before and after else {}
    means = [mean_runs_a_day(stack, first) for stack in (before, after)]
    found = []
    touched = {name for name in new.keys() | old.keys() if not plan and any(_declared(old.get(name), new.get(name)))}
    for name in sorted({*steps, *schedules, *touched} - {None, *renamed}, key=str):
        assert name is not None
        was = next((former for former, now in renamed.items() if now == name), None)
        found.append(
            _review(
                name,
                known[name].title if name in known else name,
                was,
                (means[0].get(was or name, 0), means[1].get(name, 0)),
                schedules.get(name, ()),
                steps.get(name, []),
                restarts,
                () if plan else _declared(old.get(was or name), new.get(name)),
                frozenset() if plan else _deployments(old.get(was or name)) ^ _deployments(new.get(name)),
            )
        )
    if None in steps:
        found.append(_review(None, "Platform", None, (0, 0), (), steps[None], restarts))
    return tuple(found)


def _review(
    name: str | None,
    title: str,
    renamed_from: str | None,
    runs: tuple[float, float],
    schedules: tuple[ScheduleChange, ...],
    steps: Sequence[Step],
    restarts: Sequence[Restart],
    declared: Iterable[str] = (),
    come_and_go: AbstractSet[str] = frozenset(),
) -> AreaReview:
    headline = [f"renamed from {renamed_from} to {name}"] if renamed_from else []
    headline += _counts(steps, renamed=renamed_from is not None)
    headline += declared
    # A deployment that comes or goes takes its schedules along: that needn't be told as well.
    whole = {step.name for step in steps if step.verb in ("create", "delete")} | come_and_go
    of_what = Counter(each.kind for each in schedules if each.deployment not in whole)
    headline += [f"{counted(of_what[kind], 'schedule')} {kind}" for kind in sorted(of_what)]
    again = [each for each in restarts if each.area in (name, renamed_from) and (name is not None or not each.area)]
    if replaced := [each for each in again if not each.goes]:
        headline.append(f"{counted(len(replaced), 'container')} restarted")
    return AreaReview(name, title, renamed_from, tuple(headline), *runs, schedules, tuple(steps))


def _counts(steps: Sequence[Step], *, renamed: bool) -> Iterator[str]:
    found = Counter((KINDS.get(step.type, step.type), _DONE.get(step.verb, step.verb)) for step in steps)
    for kind in _IN_HEADLINES:
        if renamed and found[kind, "new"] == found[kind, "removed"]:
            found[kind, "new"] = found[kind, "removed"] = 0  # the same ones under another name
        for done in _DONE.values():
            if count := found[kind, done]:
                yield f"{count} {done} {kind}{'' if count == 1 else 's'}"
    if not renamed:
        yield from ("new area" if step.verb == "create" else "area removed" for step in steps if step.type == AREA)
    rest = sum(count for (kind, _), count in found.items() if kind not in (*_IN_HEADLINES, "area", "container"))
    if rest and not any(found[kind, done] for kind in _IN_HEADLINES for done in _DONE.values()):
        yield f"{rest} other {'resource' if rest == 1 else 'resources'} changed"


def _declared(before: Area | None, after: Area | None) -> Iterator[str]:
    """For want of a plan: which deployments come, go and change, by what the files say."""
    old, new = ({each.name: each for each in side.deployments} if side else {} for side in (before, after))
    changed = [name for name in old.keys() & new.keys() if _without_place(old[name]) != _without_place(new[name])]
    for count, done in ((len(new.keys() - old), "new"), (len(changed), "changed"), (len(old.keys() - new), "removed")):
        if count:
            yield f"{count} {done} deployment{'' if count == 1 else 's'}"
    if before and after and before.pool != after.pool and before.pool.name == after.pool.name:
        yield "1 changed work pool"


def _without_place(deployment: Deployment) -> Deployment:
    return deployment.model_copy(update={"area": "", "pool_name": ""})


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _areas(stack: Stack | None) -> Mapping[str, Area]:
    return {area.name: area for area in stack.areas} if stack else {}


def _renamed(old: Mapping[str, Area], new: Mapping[str, Area]) -> dict[str, str]:
    """Areas that are gone by areas that have come with the deployments that they had, or most of them."""
    come = [area for name, area in new.items() if name not in old]
    found: dict[str, str] = {}
    for name, area in old.items():
        had = _deployments(area)
        heirs = [each for each in come if had and 2 * len(had & _deployments(each)) > len(had)]
        if name not in new and len(heirs) == 1:
            found[name] = heirs[0].name
    return found


def _now(area: str | None, renamed: Mapping[str, str]) -> str | None:
    return renamed.get(area, area) if area is not None else None


def _deployments(area: Area | None) -> frozenset[str]:
    return frozenset(each.name for each in area.deployments) if area else frozenset()
