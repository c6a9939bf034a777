"""What people see in Prefect's own UI of a platform: pools, workers, schedules in local time, a run's logs."""

from __future__ import annotations

import re

import pytest

from tests.ui.browser import Browser
from tests.ui.conftest import DEPLOYMENT, POOL, WORKER, Site

pytestmark = [pytest.mark.server, pytest.mark.thorough]


def test_every_areas_pool_is_listed_with_its_type_and_limit(site: Site, browser: Browser) -> None:
    browser.open(f"{site.ui_url}/work-pools")

    limits = [f"Concurrency Limit {area.pool.concurrency_limit}" for area in site.stack.areas]
    browser.shows("3 Work pools", *(area.pool.name for area in site.stack.areas), "Process", *limits)


def test_a_pools_worker_is_seen_online(site: Site, browser: Browser) -> None:
    browser.open(f"{site.ui_url}/work-pools/work-pool/{POOL}?tab=Workers")

    browser.shows(POOL, "1 Worker", WORKER, "Online")


def test_a_pools_queues_are_seen(site: Site, browser: Browser) -> None:
    browser.open(f"{site.ui_url}/work-pools/work-pool/{POOL}?tab=Work+Queues")

    browser.shows("urgente", "default")


def test_every_deployment_is_listed(site: Site, browser: Browser) -> None:
    browser.open(f"{site.ui_url}/deployments")

    browser.shows("4 Deployments", *(each.name for area in site.stack.areas for each in area.deployments))


def test_a_deployments_next_run_is_told_in_local_time(site: Site, browser: Browser) -> None:
    browser.open(f"{site.ui_url}/deployments/deployment/{site.deployments[DEPLOYMENT]}")

    text = browser.shows("Next Run", "Scheduled for", "cron-30-1-13-17", site.run["name"])
    # 30 1,13,17 * * * in America/Argentina/Buenos_Aires, and not 04:30, 16:30 and 20:30, which it is in UTC.
    [at] = re.findall(r"Scheduled for \S+ (\d\d:\d\d:\d\d [AP]M)", text)
    assert at in {"01:30:00 AM", "01:30:00 PM", "05:30:00 PM"}
    browser.picture("ui-deployment")


def test_a_runs_logs_are_read_there(site: Site, browser: Browser) -> None:
    browser.open(f"{site.ui_url}/runs/flow-run/{site.run['id']}?tab=Logs")

    # What the worker said, the flow's logger, a task's logger, and how it ended.
    browser.shows(
        site.run["name"],
        "Completed",
        f"Beginning flow run '{site.run['name']}'",
        "filas leídas",
        "precios guardados en",
        "prefect.task_runs",
    )
    browser.picture("ui-flow-run", height=1400)
