"""What `prefect-infra deploy` asks, in order: flow, area, name, parameters, schedule, and what may be left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from infra.cli.console import err, step
from infra.cli.dialogue import Option, ask, choose, yes
from infra.discovery import find_flows
from infra.guided.answers import kind, parameter
from infra.guided.request import Request, Surroundings, firings, in_words, report
from infra.guided.spoken import SpokenError, schedules
from infra.model import Deployment
from infra.model.declared import AREA_NAME
from infra.model.entrypoints import EntrypointError


def complete(request: Request, around: Surroundings, *, active: bool | None) -> None:
    """Ask for all that was not said.

    Raises:
        EOFError: There is nobody to answer any more.

    """
    if request.entrypoint is None:
        _flow(request, around)
    if request.area is None:
        _area(request, around)
    if request.name is None:
        request.name = ask(
            "Name of the deployment", _name(request, around), default=around.suggested_name(request.entrypoint)
        )
    if request.name in around.taken():
        err.print(f"  {request.name} is there already: what you answer changes it", style="yellow", markup=False)
    _parameters(request, around)
    if request.schedules is None:
        _schedule(request, around)
        question = f"In {around.stack.stack}, schedules are inactive unless asked for. Shall this one be active?"
        if request.schedules and active is None and not around.schedules_active and yes(question, default=False):
            request.schedules = tuple({**each, "active": True} for each in request.schedules)
    _what_may_be_left_out(request, around)


def _what_may_be_left_out(request: Request, around: Surroundings) -> None:
    queues = around.queues(request.area)
    if request.queue is None and queues:
        chosen = choose(
            "Queue", [Option(name) for name in ("default", *queues)], _one_of(["default", *queues]), default="default"
        )
        request.queue = None if chosen == "default" else chosen
    if request.tags is None:
        request.tags = ask("Tags, with commas (Enter: none)", _tags)
    if request.description is None:
        request.description = ask("Description (Enter: the first paragraph of the function's docstring)", str)


def _flow(request: Request, around: Surroundings) -> None:
    with step("Looking for flows ..."):
        found = find_flows(around.root).flows
    options = [Option(each.entrypoint, _note(each.name, [use.deployment for use in each.uses])) for each in found]
    if not options:
        err.print("There is no @flow in this checkout yet.", style="yellow")

    def use(answer: str) -> str:
        try:
            around.flow(answer)
        except EntrypointError as error:
            raise ValueError(f"{error} ({error.hint})" if error.hint else str(error)) from error
        return answer

    request.entrypoint = choose("Flow: a number, a part of its name, or path/file.py:function", options, use)


def _note(name: str | None, used: list[str]) -> str:
    return f"{name or '?'}, deployed as {', '.join(sorted(set(used)))}" if used else name or "?"


def _area(request: Request, around: Surroundings) -> None:
    options = [Option(name, f"work pool {around.pool(name)}") for name in around.areas]

    def use(answer: str) -> str:
        if not re.fullmatch(AREA_NAME, answer):
            raise ValueError("an area has small letters, digits and _, a letter first")
        if answer not in around.areas and not yes(f"There is no area {answer} yet. Make it?", default=False):
            raise ValueError("which one, then?")
        return answer

    request.area = choose("Area, whose workers run it", options, use, default=around.area_of(request.entrypoint))
    err.print(f"  its work pool is {around.pool(request.area)}", style="dim", markup=False)


def _name(request: Request, around: Surroundings) -> Callable[[str], str]:
    def use(answer: str) -> str:
        found = report(around, replace(request, name=answer))
        if wrong := in_words(found.errors, of="name"):
            raise ValueError(wrong)
        if doubt := in_words(found.warnings, of="name"):
            err.print(f"  {doubt}", style="yellow", markup=False)
        return answer

    return use


def _parameters(request: Request, around: Surroundings) -> None:
    flow = around.flow_or_none(request.entrypoint)
    if flow is None:
        return
    schema = flow.signature.schema
    required = [name for name in flow.signature.required if name not in request.parameters]
    optional = [name for name in flow.signature.names if name not in request.parameters and name not in required]
    for name in (*required, *optional):
        of = schema["properties"].get(name, {})
        for line in _about(of, schema.get("definitions", {}), needed=name in required):
            err.print(f"  {line}", style="dim", markup=False)

        def use(answer: str, name: str = name) -> Any:
            if answer:
                return parameter(name, answer, flow.signature)
            if name in required:
                raise ValueError(f"{name} is required: the flow has no default for it")
            return None

        value = ask(f"Parameter {name}", use)
        if value is not None:
            request.parameters[name] = value


def _about(of: Mapping[str, Any], definitions: Mapping[str, Any], *, needed: bool) -> Iterator[str]:
    if description := of.get("description"):
        yield " ".join(str(description).split())
    yield f"{kind(of, definitions)}, " + ("required" if needed else f"Enter: {of.get('default')!r}, its default")


def _schedule(request: Request, around: Surroundings) -> None:
    while True:
        said = ask("When, in words or as a cron (Enter: only by hand)", _spoken)
        if not said:
            request.schedules = ()
            return
        request.schedules = said
        found = report(around, request)
        if wrong := in_words(found.errors, of="schedules"):
            err.print(f"  {wrong}", style="red", markup=False)
            continue
        if found.stack is not None:
            tell_firings(found.stack.areas[0].deployments[0])
        if yes("Is that right?", default=True):
            return


def tell_firings(made: Deployment) -> None:
    """The next five runs of each schedule."""
    for schedule, (slug, times) in zip(made.schedules, firings(made, datetime.now(UTC)), strict=True):
        rule = schedule.cron or schedule.rrule or f"every {schedule.interval} s from {schedule.anchor_date}"
        err.print(f"  {slug} ({' '.join(rule.split())}), {schedule.timezone}:", style="dim", markup=False)
        for time in times:
            err.print(f"    {time:%a %d %b %Y %H:%M}", markup=False)


def _spoken(answer: str) -> tuple[dict[str, Any], ...]:
    try:
        return schedules(answer) if answer else ()
    except SpokenError as error:
        raise ValueError(f"{error}\n  {error.hint}") from error


def _tags(answer: str) -> tuple[str, ...]:
    return tuple(tag.strip() for tag in answer.split(",") if tag.strip())


def _one_of(names: list[str]) -> Callable[[str], str]:
    def use(answer: str) -> str:
        if answer not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return answer

    return use
