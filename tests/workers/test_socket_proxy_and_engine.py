"""The socket proxy in front of a real Docker engine, used through docker-py as Prefect's worker does."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

from tests.stack.platforms import eventually
from workers.socket_proxy.given import VARIABLE
from workers.socket_proxy.rules import OWNER_LABEL

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
NAME = f"prefect-infra-test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url="unix:///var/run/docker.sock")) as client:
        yield client


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> str:
    """Any image with a shell will do; the set-up has made the base of the workers'."""
    named = os.environ.get("PREFECT_INFRA_TEST_IMAGE")
    found = [
        tag for item in engine.images.list() for tag in item.tags if tag.startswith("localhost/prefect-infra/base:")
    ]
    if not (named or found):
        pytest.fail("no image localhost/prefect-infra/base:*; `make dev` or `make test` makes it")
    return named or min(found)


@pytest.fixture(scope="module")
def network(engine: docker.DockerClient) -> Iterator[str]:
    made = engine.networks.create(NAME)
    yield NAME
    made.remove()


@contextmanager
def proxy(image: str, network: str, folder: Path, **more: object) -> Iterator[subprocess.Popen[bytes]]:
    """One that answers at `docker.sock` of the folder, whoever else does."""
    data = folder / "data"
    data.mkdir(mode=0o777, exist_ok=True)
    data.chmod(0o777)
    rules = {
        "owner": f"{NAME}/dev/ventas",
        "name_prefix": f"{NAME}-",
        "images": [image],
        "network": network,
        "binds": [f"{data}:/var/lib/flows"],
        "memory_mb": 64,
        "cpus": 0.5,
        "pids": 32,
        **more,
    }
    listen = folder / "docker.sock"
    former = listen.stat().st_ino if listen.exists() else None
    environment = os.environ | {VARIABLE: json.dumps(rules), "SOCKET_PROXY_LISTEN": str(listen)}
    command = [sys.executable, "-m", "workers.socket_proxy"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        eventually("a socket", lambda: listen.exists() and listen.stat().st_ino != former, 30, every=0.05)
        yield process
        process.terminate()
        assert process.wait(timeout=15) == -signal.SIGTERM


@pytest.fixture(scope="module")
def proxy_address(image: str, network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("proxy")
    with proxy(image, network, folder):
        yield f"unix://{folder}/docker.sock"
    assert not (folder / "docker.sock").exists()


def ended_now(worker: docker.DockerClient, image: str) -> Container:
    made: Container = worker.containers.create(image, ["true"])
    made.start()
    assert made.wait()["StatusCode"] == 0
    return made


@pytest.fixture
def worker(proxy_address: str) -> Iterator[docker.DockerClient]:
    """What a docker-type worker holds: it negotiates the API's version, as the worker does."""
    with closing(docker.DockerClient(base_url=proxy_address, version="auto")) as client:
        yield client


@pytest.fixture
def foreign(engine: docker.DockerClient, image: str) -> Iterator[Container]:
    container = engine.containers.create(image, ["sleep", "60"], name=f"{NAME}-foreign")
    yield container
    container.remove(force=True)


def test_a_flow_runs_container_runs_to_its_end_and_its_output_is_followed(
    worker: docker.DockerClient, image: str, network: str
):
    container = worker.containers.create(
        image, ["sh", "-c", "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; exit 3"], network=network, name="run"
    )
    container.start()

    output = b"".join(container.logs(stream=True)).decode().split()

    assert output == ["10001", "CapEff:", "0000000000000000", "NoNewPrivs:", "1"]
    assert container.wait()["StatusCode"] == 3
    assert container.name == f"{NAME}-run"
    container.remove()


def test_a_proxy_that_is_followed_by_another_serves_its_calls_to_their_end_and_takes_no_socket_away(
    engine: docker.DockerClient, image: str, network: str, tmp_path: Path
):
    """A worker follows its runs for as long as they take, and new calls are for the new proxy."""
    address = f"unix://{tmp_path}/docker.sock"
    script = "echo empezó; while [ ! -e /var/lib/flows/sigue ]; do sleep 0.2; done; echo terminó"
    with (
        proxy(image, network, tmp_path) as former,
        closing(docker.DockerClient(base_url=address, version="auto")) as worker,
    ):
        mounts = {f"{tmp_path}/data": {"bind": "/var/lib/flows", "mode": "rw"}}
        run = worker.containers.create(image, ["sh", "-c", script], network=network, volumes=mounts)
        run.start()
        followed = run.logs(stream=True, follow=True)
        assert next(followed).decode() == "empezó\n"
        ended = worker.containers.create(image, ["true"])
        ended.start()
        assert ended.wait()["StatusCode"] == 0
        with proxy(image, network, tmp_path):
            former.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                former.wait(timeout=5)
            assert worker.containers.get(run.id).status == "running"
            (tmp_path / "data" / "sigue").touch()
            assert b"".join(followed).decode() == "terminó\n"
            assert former.wait(timeout=30) == -signal.SIGTERM
            assert (tmp_path / "docker.sock").exists()
            # A worker may be about to read how it ended.
            engine.containers.get(ended.id)
        with pytest.raises(NotFound):
            engine.containers.get(ended.id)


def test_the_engine_really_applies_the_areas_limits(
    worker: docker.DockerClient, engine: docker.DockerClient, image: str
):
    container = worker.containers.create(image, ["true"], mem_limit="32m")

    real = engine.containers.get(container.id).attrs["HostConfig"]

    assert (real["Memory"], real["MemorySwap"]) == (32 * 1024 * 1024, 32 * 1024 * 1024)
    assert (real["NanoCpus"], real["PidsLimit"], real["NetworkMode"]) == (500_000_000, 32, NAME)
    assert real["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    container.remove()


def test_a_running_container_can_be_stopped(worker: docker.DockerClient, image: str):
    container = worker.containers.create(image, ["sleep", "60"])
    container.start()

    container.stop(timeout=0)

    container.reload()
    assert container.status == "exited"
    container.remove(force=True)
    with pytest.raises(NotFound):
        container.reload()


@pytest.mark.parametrize(
    "options",
    [
        {"privileged": True},
        {"cap_add": ["NET_ADMIN"]},
        {"volumes": ["/:/host"]},
        {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
        {"network_mode": "host"},
        {"network": "bridge"},
        {"pid_mode": "host"},
        {"user": "root"},
        {"mem_limit": "65m"},
        {"devices": ["/dev/null:/dev/null"]},
        {"ports": {"80/tcp": 8080}},
    ],
)
def test_more_than_the_area_has_is_refused(worker: docker.DockerClient, image: str, options: dict[str, object]):
    with pytest.raises(APIError, match="refused by the socket proxy") as refusal:
        worker.containers.create(image, ["true"], **options)

    assert refusal.value.status_code == 403


def test_another_image_is_refused(worker: docker.DockerClient):
    with pytest.raises(APIError, match="is not one of"):
        worker.containers.create("localhost/another:1", ["true"])


def test_somebody_elses_container_is_out_of_reach(worker: docker.DockerClient, foreign: Container):
    for attempt in (
        lambda: worker.containers.get(foreign.id),
        lambda: worker.containers.get(foreign.name),
        lambda: worker.api.start(foreign.id),
        lambda: worker.api.stop(foreign.id),
        lambda: worker.api.logs(foreign.id),
        lambda: worker.api.remove_container(foreign.id, force=True),
    ):
        with pytest.raises(APIError, match="was not made for a flow run of"):
            attempt()

    foreign.reload()
    assert foreign.status == "created"


def test_there_is_no_way_into_even_ones_own_container(worker: docker.DockerClient, image: str):
    container = worker.containers.create(image, ["sleep", "60"])
    container.start()

    for attempt in (
        lambda: container.exec_run(["id"]),
        lambda: container.put_archive("/", b""),
        lambda: container.commit("localhost/mine"),
    ):
        with pytest.raises(APIError, match="refused by the socket proxy"):
            attempt()

    container.remove(force=True)


def test_the_host_is_not_looked_around_in(worker: docker.DockerClient):
    for attempt in (worker.info, worker.containers.list, worker.images.list, worker.networks.list, worker.volumes.list):
        with pytest.raises(DockerException, match="refused by the socket proxy"):
            attempt()


def test_a_proxy_that_ends_takes_the_ended_and_the_ending_containers_with_it(
    engine: docker.DockerClient, image: str, tmp_path: Path
):
    owner = f"{NAME}/dev/finanzas"
    rules = {"owner": owner, "images": [image], "network": "bridge", "memory_mb": 64, "cpus": 0.5, "pids": 32}
    listen = tmp_path / "docker.sock"
    environment = os.environ | {VARIABLE: json.dumps(rules), "SOCKET_PROXY_LISTEN": str(listen)}
    with subprocess.Popen([sys.executable, "-m", "workers.socket_proxy"], cwd=ROOT, env=environment) as process:
        while not listen.exists() and process.poll() is None:
            time.sleep(0.05)
        with closing(docker.DockerClient(base_url=f"unix://{listen}", version="auto")) as worker:
            ended = worker.containers.create(image, ["true"])
            ended.start()
            ended.wait()
            ending = worker.containers.create(image, ["sleep", "2"])
            ending.start()
            running = worker.containers.create(image, ["sleep", "60"])
            running.start()
        process.terminate()
        assert process.wait(timeout=15) == -signal.SIGTERM

    left = engine.containers.list(all=True, filters={"label": f"{OWNER_LABEL}={owner}"})
    for container in left:
        container.remove(force=True)
    assert [container.id for container in left] == [running.id]


def test_finished_containers_go_by_their_age_and_those_at_work_stay(
    worker: docker.DockerClient,
    engine: docker.DockerClient,
    image: str,
    network: str,
    tmp_path: Path,
):
    """Of the shortest age that can be declared, a minute. Proxies look at their start, and then now and then."""
    ended_long_ago = ended_now(worker, image)
    ended = datetime.fromisoformat(engine.containers.get(ended_long_ago.id).attrs["State"]["FinishedAt"][:19] + "Z")
    eventually("a minute old", lambda: datetime.now(UTC) - ended > timedelta(seconds=61), 90)
    at_work = worker.containers.create(image, ["sleep", "600"])
    at_work.start()
    just_ended = ended_now(worker, image)

    # Beside the module's, which keeps for an hour; both see the same containers.
    with proxy(image, network, tmp_path, keep_minutes=1):

        def is_gone() -> bool:
            try:
                engine.containers.get(ended_long_ago.id)
            except NotFound:
                return True
            return False

        eventually("removed", is_gone, 30)
        engine.containers.get(just_ended.id)
        assert engine.containers.get(at_work.id).status == "running"
        at_work.remove(force=True)
