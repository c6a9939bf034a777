"""A worker that is stopped loses no run: it waits, it ends what takes too long, and it looks back when it begins."""

from __future__ import annotations

import inspect
import signal
import subprocess
from datetime import datetime
from itertools import pairwise

import pytest
from prefect.workers.base import BaseWorker

from tests.stack.platforms import eventually
from tests.workers.conftest import Work

pytestmark = [pytest.mark.server, pytest.mark.thorough]


def test_a_worker_that_is_stopped_takes_no_more_runs_and_waits_for_those_it_has(work: Work) -> None:
    worker = work.worker()
    run = work.submit(segundos=8)
    work.runs(run)

    worker.send_signal(signal.SIGTERM)
    eventually("draining", lambda: "takes no more runs" in work.log())
    later = work.submit()

    assert worker.wait(60) == 0, work.log()
    assert work.state(run) == "COMPLETED"
    assert (work.folder / "termino").exists()
    assert work.state(later) == "SCHEDULED"
    work.worker(name="el-que-sigue")
    assert work.ends(later) == "COMPLETED"


@pytest.mark.parametrize("stubborn", [False, True], ids=["heeds", "ignores"])
def test_a_run_that_takes_longer_than_the_limit_ends_crashed(work: Work, stubborn: bool) -> None:
    worker = work.worker("--drain-seconds", "2")
    run = work.submit(segundos=600, terco=stubborn)
    work.runs(run)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(60) == 0, work.log()
    assert work.state(run) == "CRASHED", work.log()
    assert not (work.folder / "termino").exists()


def test_to_be_told_to_stop_once_more_changes_nothing_but_an_interrupt_ends_the_wait(work: Work) -> None:
    """A stop that was cut off, of an engine or a machine, is repeated."""
    worker = work.worker()
    run = work.submit(segundos=600)
    work.runs(run)

    for _ in range(2):
        worker.send_signal(signal.SIGTERM)
        eventually("draining", lambda: "takes no more runs" in work.log())
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(3)
    assert work.state(run) == "RUNNING", work.log()
    worker.send_signal(signal.SIGINT)

    assert worker.wait(60) == 0, work.log()
    assert work.state(run) == "CRASHED", work.log()


def test_a_run_whose_process_goes_without_a_word_ends_crashed(work: Work) -> None:
    """As one does that can't reach the API for longer than it tries. Prefect's own worker leaves it Running."""
    work.worker()
    run = work.submit("se_va")
    assert work.ends(run) == "CRASHED", work.log()


def test_a_worker_without_runs_stops_at_once(work: Work) -> None:
    worker = work.worker()
    assert work.ends(work.submit()) == "COMPLETED"

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(15) == 0, work.log()


def test_a_killed_worker_that_is_back_ends_the_runs_it_left_and_only_those(work: Work) -> None:
    """Running for ever is what they were without it, their heartbeats or not."""
    first = work.worker("--limit", "1")
    lost = work.submit(segundos=600)
    work.runs(lost)
    work.worker(name="otro")  # the first has all it takes
    kept = work.submit(segundos=20)
    work.runs(kept)

    work.kill(first)
    assert work.state(lost) == "RUNNING"
    work.worker()

    assert work.ends(lost) == "CRASHED"
    assert "was killed" in work.run(lost)["state"]["message"]
    assert work.ends(kept) == "COMPLETED"


def test_a_worker_leaves_the_runs_of_a_living_one_of_its_name_alone_and_ends_them_once_it_is_dead(work: Work) -> None:
    """As while one container of a worker follows another: the former drains, and may be killed in the midst."""
    former = work.worker()
    kept, lost = work.submit(segundos=600, hasta="basta"), work.submit(segundos=600)
    work.runs(kept)
    work.runs(lost)
    former.send_signal(signal.SIGTERM)
    eventually("draining", lambda: "takes no more runs" in work.log())

    work.worker()
    meanwhile = work.submit()

    assert work.ends(meanwhile) == "COMPLETED", work.log()
    assert work.state(kept) == work.state(lost) == "RUNNING", work.log()
    (work.folder / "basta").touch()
    assert work.ends(kept) == "COMPLETED", work.log()
    assert work.state(lost) == "RUNNING", work.log()
    work.kill(former)
    assert work.ends(lost) == "CRASHED", work.log()
    assert "was killed" in work.run(lost)["state"]["message"]


def test_a_worker_leaves_the_runs_of_one_of_its_name_on_another_machine_alone(work: Work) -> None:
    """Which it can't see: as where a swarm has put the former on another node, with a volume of its own."""
    former = work.worker()
    kept = work.submit(segundos=600, hasta="basta")
    work.runs(kept)
    former.send_signal(signal.SIGTERM)
    eventually("draining", lambda: "takes no more runs" in work.log())

    work.worker(lives="lives-of-another-machine")

    assert work.ends(work.submit()) == "COMPLETED", work.log()
    assert work.state(kept) == "RUNNING", work.log()
    (work.folder / "basta").touch()
    assert work.ends(kept) == "COMPLETED", work.log()


def test_a_run_without_a_mark_is_of_before_and_has_lost_its_worker(work: Work) -> None:
    """Those that a worker took which gave none."""
    first = work.worker(lives="")
    lost = work.submit(segundos=600)
    work.runs(lost)
    work.kill(first)

    work.worker()

    assert work.ends(lost) == "CRASHED", work.log()


def test_a_run_tells_which_worker_and_which_process_of_it_took_it(work: Work) -> None:
    """Prefect's own labels are there as ever."""
    work.worker()
    run = work.submit()
    assert work.ends(run) == "COMPLETED", work.log()

    labels = work.run(run)["labels"]

    assert labels["prefect.worker.name"] == "obrero"
    assert labels["prefect.worker.type"] == "process"
    assert labels["prefect.work-pool.name"] == work.pool
    assert labels["prefect.work-pool.id"]
    assert labels["prefect-infra.worker-process"]


def test_a_worker_is_healthy_once_it_has_asked_the_server_for_runs_and_not_before(work: Work) -> None:
    """Who waits for it before another one is stopped would else be left with none."""
    cut_off = work.worker(url="http://127.0.0.1:9/api")
    worker = work.worker()
    eventually("healthy", lambda: work.healthy(worker))

    assert not work.healthy(cut_off)


def test_a_run_that_ends_makes_room_for_the_next_at_once(work: Work) -> None:
    """Rather than when the worker asks the next time."""
    work.api.patch(f"work_pools/{work.pool}", json={"concurrency_limit": 1}).raise_for_status()
    runs = [work.submit() for _ in range(4)]
    work.worker(every=30)

    assert [work.ends(run) for run in runs] == ["COMPLETED"] * 4, work.log()

    moments = sorted(datetime.fromisoformat(work.run(run)["start_time"]) for run in runs)
    pauses = [(after - before).total_seconds() for before, after in pairwise(moments)]
    assert max(pauses) < 20, pauses


def test_a_run_that_is_no_longer_the_workers_is_ended_without_a_word_to_the_server(work: Work) -> None:
    """It would hold its slot, and do what is done elsewhere by now."""
    worker = work.worker("--limit", "2")
    crashed, elsewhere = work.submit(segundos=600), work.submit(segundos=600)
    work.runs(crashed)
    work.runs(elsewhere)

    work.put(crashed, "CRASHED")
    work.api.patch(f"flow_runs/{elsewhere}/labels", json={"prefect.worker.name": "otro"}).raise_for_status()

    assert work.ends(work.submit(), 150) == "COMPLETED", work.log()
    eventually("both ended", lambda: work.log().count("no longer this worker's") == 2, 60)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0, work.log()
    assert (work.state(crashed), work.state(elsewhere)) == ("CRASHED", "RUNNING"), work.log()
    assert "no longer" not in str(work.run(crashed)["state"]["message"])


def test_a_crashed_run_that_is_to_run_again_does_so_at_once_though_its_process_goes_on(work: Work) -> None:
    """Prefect's worker fails there when it has a limit, and takes no other run either until the process is gone."""
    work.deploy("solo_la_primera_vez_espera")
    work.worker("--limit", "2")
    run = work.submit("solo_la_primera_vez_espera", segundos=600)
    work.runs(run)

    work.put(run, "CRASHED")
    work.put(run, "SCHEDULED", force=False, name="AwaitingRetry")
    other = work.submit()

    assert work.ends(other, 25) == "COMPLETED", work.log()
    assert work.ends(run, 25) == "COMPLETED", work.log()
    assert work.run(run)["run_count"] == 2
    assert work.log().count("no longer this worker's") == 1


def test_a_worker_makes_no_pool_but_waits_for_it(work: Work) -> None:
    work.api.delete(f"work_pools/{work.pool}").raise_for_status()
    worker = work.worker()

    eventually("a worker that waits", lambda: "started" in work.log())

    assert work.api.get(f"work_pools/{work.pool}").status_code == 404
    assert worker.poll() is None


def test_what_is_overridden_is_there_in_this_version_of_prefect() -> None:
    """An upgrade that renames one of these would silently undo the draining."""
    names = {
        "get_and_submit_flow_runs": ["self"],
        "_get_scheduled_flow_runs": ["self"],
        "_submit_run_and_capture_errors": ["self", "flow_run", "task_status"],
        "_give_worker_labels_to_flow_run": ["self", "flow_run_id"],
        "_propose_crashed_state": ["self", "flow_run", "message", "client"],
        "kill_infrastructure": ["self", "infrastructure_pid", "configuration", "grace_seconds"],
        "is_worker_still_polling": ["self", "query_interval_seconds"],
    }

    for name, parameters in names.items():
        assert list(inspect.signature(getattr(BaseWorker, name)).parameters) == parameters
    assert "_submitting_flow_run_ids" in inspect.getsource(BaseWorker._submit_run)
