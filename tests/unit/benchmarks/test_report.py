"""What a run of the benchmarks says of its targets: the ratios of that run, and none that it didn't measure."""

from __future__ import annotations

from typing import Any

from benchmarks import chart, report
from benchmarks.work import Work


def taken(seconds: float, plugin_mb: float = 60.0) -> dict[str, Any]:
    return {"seconds": seconds, "cpu_seconds": seconds, "plugin_mb": plugin_mb}


def ours(first_up: float) -> dict[str, Any]:
    steps = {"empty_up": 1.0, "preview": 3.0, "no_op": 4.0, "no_op_refresh": 6.0, "change_one": 4.0, "destroy": 9.0}
    return {**{step: taken(seconds) for step, seconds in steps.items()}, "first_up": taken(first_up), "listing": 3.0}


def by_name(sizes: dict[int, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["what"]: row for row in report.targets(sizes)}


def test_a_ratio_is_met_up_to_what_was_asked_for() -> None:
    found = by_name({200: {"raw": {"best": 10.0}, "ours": ours(13.0), "create_pools": 2.0, "deploy_all": 38.0}})
    assert found["first up of 200 / bare calls"] == {
        "what": "first up of 200 / bare calls",
        "measured": 1.3,
        "most": 1.3,
        "met": True,
    }
    assert found["no-op up --refresh at 200 / (listing + empty up)"]["measured"] == 1.5
    assert found["first up of 200 / (prefect work-pool create + prefect deploy --all)"]["met"] is True
    assert found["first up of 200, pools included / prefect deploy --all"]["met"] is False


def test_what_was_not_measured_is_not_told() -> None:
    assert by_name({200: {"raw": {"best": 10.0}}}) == {}
    found = by_name({200: {"ours": ours(13.0)}})
    assert [what for what in found if "bare calls" in what or "deploy --all" in what or "of 1000" in what] == []


def test_of_several_rounds_the_least_of_each_step_counts() -> None:
    found = report.least([{**ours(13.0), "listing": 2.0}, ours(11.0)])
    assert found["first_up"] == taken(11.0)
    assert found["listing"] == 2.0


def test_terraform_is_held_beside_what_does_the_same() -> None:
    peer = {"first_apply": 39.0, "no_op_plan": 29.0, "change_one": 1.0, "destroy": 36.0}
    found = by_name({200: {"ours": ours(13.0), "terraform": peer}})
    assert found["first up of 200 / Terraform's"]["met"] is True
    assert found["no-op up --refresh at 200 / Terraform's plan"]["met"] is False
    assert found["destroy of 200 / Terraform's"]["met"] is True


def test_growth_and_the_limits_of_a_thousand_need_a_thousand() -> None:
    found = by_name({200: {"ours": ours(10.0)}, 1000: {"raw": {"best": 40.0}, "ours": ours(70.0)}})
    assert found["first up of 1000 / of 200"]["measured"] == 7.0
    assert found["first up of 1000 / of 200"]["met"] is False
    assert found["first up of 1000 / bare calls"]["most"] == 2.0
    assert found["no-op up at 1000, s"]["met"] is True


def test_the_plot_has_a_bar_for_each_step_of_each_size() -> None:
    peer = {"create_pools": 20.0, "deploy_all": 30.0}
    results = {"database": "sqlite", "sizes": {50: {"raw": {"best": 5.0}, "ours": ours(9.0), **peer}}}
    drawn = chart.svg(results)
    assert "50 deployments, sqlite" in drawn
    assert all(f">{text}<" in drawn for text in ("bare calls", "prefect deploy --all", "first up", "20.0 s", "30.0 s"))


def test_the_work_is_as_large_as_it_says_and_no_name_comes_twice() -> None:
    work = Work(50)
    assert len(work.pools) == 10
    assert len({(item["flow_name"], item["name"]) for item in work.deployments}) == 50
    assert {item["work_pool_name"] for item in work.deployments} == {*work.pools}
