"""How many workers there should be for which runs, and which of them are started and stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workers.autoscaler import policies
from workers.autoscaler.policies import Area, Demand, Queue, Step, Want, Worker

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def area(**more: Any) -> Area:
    keys = {"name": "compras", "pool": "compras-dev", "type": "process", "limit": 2, "min": 1, "max": 4}
    return Area.model_validate({**keys, "cool_down": 60, **more})


def demand(
    *queues: Queue, in_flight: dict[str | None, int] | None = None, limit: int | None = None, paused: bool = False
) -> Demand:
    return Demand(queues=queues, in_flight=in_flight or {}, limit=limit, paused=paused)


@pytest.mark.parametrize(
    ("what", "asked", "workers"),
    [
        ("nothing to do: the least", demand(Queue(waiting=0, in_flight=0)), 1),
        ("as much as one worker takes", demand(Queue(waiting=2, in_flight=0)), 1),
        ("one run more is a worker more", demand(Queue(waiting=3, in_flight=0)), 2),
        ("what runs takes its place, too", demand(Queue(waiting=2, in_flight=3), in_flight={"w-1": 2, "w-2": 1}), 3),
        ("never more than the most", demand(Queue(waiting=900, in_flight=0)), 4),
        ("what a queue's limit holds back", demand(Queue(waiting=9, in_flight=2, limit=3), in_flight={"w-1": 2}), 2),
        ("what the pool's limit holds back", demand(Queue(waiting=9, in_flight=2), in_flight={"w-1": 2}, limit=3), 2),
        ("a queue that is over its limit", demand(Queue(waiting=9, in_flight=3, limit=1), in_flight={"w-1": 3}), 2),
        ("a paused queue", demand(Queue(waiting=9, in_flight=0, paused=True), Queue(waiting=1, in_flight=0)), 1),
        ("a paused pool", demand(Queue(waiting=9, in_flight=0), paused=True), 1),
        ("runs of a worker that is stopping", demand(Queue(waiting=2, in_flight=2), in_flight={"w-9": 2}), 1),
    ],
)
def test_how_many_workers_are_enough(what: str, asked: Demand, workers: int) -> None:
    assert policies.needed(area(), asked, stopping=["w-9"]) == workers, what


def test_with_a_least_of_none_an_idle_area_has_no_worker() -> None:
    assert policies.needed(area(min=0), demand(Queue(waiting=0, in_flight=0))) == 0
    assert policies.needed(area(min=0), demand(Queue(waiting=1, in_flight=0))) == 1


def step(want: int, *workers: str, busy: dict[str | None, int] | None = None, **of: Any) -> Step:
    """Workers as `name:state`."""
    states: dict[str, Literal["stopped", "working", "stopping"]] = {"s": "stopped", "w": "working", "x": "stopping"}
    made = [Worker(name=name, state=states[state]) for name, state in (each.split(":") for each in workers)]
    return policies.step(area(**of), [Want(at=NOW, workers=want)], made, busy or {})


@pytest.mark.parametrize(
    ("what", "made", "expected"),
    [
        ("as many as there should be", step(2, "2:w", "3:s"), Step()),
        ("the first of those that are stopped", step(3, "2:s", "3:s", "4:s"), Step(start=("2", "3"))),
        ("one that is stopping comes back later", step(3, "2:x", "3:x", "4:s"), Step(start=("4",))),
        ("the last of those that are idle", step(2, "2:w", "3:w", "4:w"), Step(stop=("4", "3"))),
        ("the idle one", step(1, "2:w", "3:w", busy={"3": 1}), Step(stop=("2",))),
        ("none that has runs: it would end those that take long", step(1, "2:w", busy={"2": 1}), Step()),
        ("none while it isn't known who took a run", step(1, "2:w", busy={None: 1}), Step()),
        (
            "of docker workers the least busy: their runs go on",
            step(1, "2:w", "3:w", busy={"2": 1, "3": 2}, type="docker"),
            Step(stop=("2", "3")),
        ),
    ],
)
def test_which_workers_are_started_and_stopped(what: str, made: Step, expected: Step) -> None:
    assert made == expected, what


LOOKS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30), st.booleans()), min_size=1, max_size=60)


@given(LOOKS, st.integers(0, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 120))
def test_whatever_happens_there_are_as_many_as_declared_and_none_goes_soon_after_one_came(
    looks: list[tuple[int, int, bool]], least: int, more: int, limit: int, cool_down: int
) -> None:
    """Looks as seconds since the last one, runs that are due, and whether a worker that was stopped is gone by then."""
    of = area(min=least, max=least + more, limit=limit, cool_down=cool_down)
    states: dict[str, policies.State] = {f"w-{number}": "stopped" for number in range(least + 1, least + more + 1)}
    now, wants, started = NOW, [Want(at=NOW, workers=least)], None
    for seconds, waiting, gone in looks:
        now += timedelta(seconds=seconds)
        states = {name: "stopped" if gone and state == "stopping" else state for name, state in states.items()}
        stopping = [name for name, state in states.items() if state == "stopping"]
        enough = policies.needed(of, demand(Queue(waiting=waiting, in_flight=0)), stopping)
        wants = policies.still_counting([*wants, Want(at=now, workers=enough)], now, timedelta(seconds=cool_down))
        workers = [Worker(name=name, state=state) for name, state in states.items()]

        done = policies.step(of, wants, workers, {})

        assert not (done.start and done.stop)
        assert all(states[name] == "stopped" for name in done.start)
        assert all(states[name] == "working" for name in done.stop)
        if done.stop:
            assert started is None or now - started > timedelta(seconds=cool_down)
        if done.start:
            started = now
        states |= dict.fromkeys(done.start, "working") | dict.fromkeys(done.stop, "stopping")
        working = least + sum(state == "working" for state in states.values())
        assert of.min <= working <= of.max
        assert working >= enough or "stopping" in states.values()


def test_a_worker_comes_for_what_is_wanted_now_alone() -> None:
    """For a former want, which waited until it had stopped, it would go again before the cool-down is over."""
    wants = [Want(at=NOW - timedelta(seconds=30), workers=2), Want(at=NOW, workers=1)]
    assert policies.step(area(), wants, [Worker(name="2", state="stopped")], {}) == Step()
    assert policies.step(area(), wants, [Worker(name="2", state="working")], {}) == Step()


def test_a_policy_that_does_not_exist_is_refused() -> None:
    for wrong in ({"min": 4}, {"limit": 0}, {"cool_down": 0}, {"type": "kubernetes"}, {"most": 3}):
        with pytest.raises(ValidationError):
            area(**wrong)
