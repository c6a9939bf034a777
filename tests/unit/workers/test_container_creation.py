"""What becomes of a container's description on its way through the socket proxy."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.socket_proxy.creation import Refused, allowed_container
from workers.socket_proxy.given import VARIABLE, RulesError, rules_from_environment
from workers.socket_proxy.rules import OWNER_LABEL, Rules

RULES = Rules.model_validate(
    {
        "owner": "shop/dev/ventas",
        "labels": {"prefect-infra.area": "ventas"},
        "images": ["localhost/worker:1"],
        "network": "shop-dev",
        "binds": ["/home/ana/shop/flows:/srv/code/flows:ro", "shop-dev-ventas:/var/lib/flows"],
        "memory_mb": 512,
        "cpus": 1.5,
        "pids": 256,
    }
)

# What Prefect's docker worker sends, by way of docker-py.
ASKED: dict[str, Any] = {
    "Hostname": None,
    "Domainname": None,
    "ExposedPorts": None,
    "User": None,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "AttachStdin": False,
    "AttachStdout": True,
    "AttachStderr": True,
    "Env": ["PREFECT_API_URL=http://server:4200/api"],
    "Cmd": ["prefect", "flow-run", "execute"],
    "Image": "localhost/worker:1",
    "Volumes": {"/srv/code/flows": {}, "/var/lib/flows": {}},
    "NetworkDisabled": False,
    "Entrypoint": None,
    "WorkingDir": None,
    "HostConfig": {
        "Memory": 268435456,
        "MemorySwap": 268435456,
        "NetworkMode": "shop-dev",
        "Binds": ["/home/ana/shop/flows:/srv/code/flows:ro", "shop-dev-ventas:/var/lib/flows"],
        "AutoRemove": True,
    },
    "NetworkingConfig": {"shop-dev": None},
    "MacAddress": None,
    "Labels": {"io.prefect.flow-run-id": "1", "equipo": "ventas"},
    "StopSignal": None,
    "Healthcheck": None,
    "StopTimeout": None,
    "Runtime": None,
}


def asked(host_config: dict[str, Any] | None = None, **changes: Any) -> bytes:
    return json.dumps(ASKED | changes | {"HostConfig": ASKED["HostConfig"] | (host_config or {})}).encode()


def test_what_a_flow_run_reads_from_a_file_is_not_in_its_environment():
    rules = RULES.model_copy(update={"withheld": frozenset({"PREFECT_API_AUTH_STRING"})})
    env = ["PREFECT_API_AUTH_STRING=admin:s3cr3t=", "PREFECT_API_AUTH_STRING", "PREFECT_API_URL=http://proxy/api"]
    body = asked(Env=env)
    assert allowed_container(body, rules)["Env"] == ["PREFECT_API_URL=http://proxy/api"]
    assert allowed_container(body, RULES)["Env"] == env


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("localhost/worker-ventas:0123abcd", True),
        ("localhost/worker-ventas@sha256:" + "a" * 64, True),
        ("localhost/worker-ventas", False),  # any one of that name, whoever made it
        ("localhost/worker-ventas-2:0123abcd", False),
        ("localhost/worker-ventas/x:0123abcd", False),
        ("localhost/worker-ventas:0123abcd@sha256:1", False),
        ("elsewhere/localhost/worker-ventas:0123abcd", False),
        ("localhost/worker-compras:0123abcd", False),
    ],
)
def test_of_a_repository_that_is_allowed_any_version_may_be_run_and_of_another_none(image: str, allowed: bool):
    """While one worker follows another, there are two versions of the area's image."""
    rules = RULES.model_copy(update={"repositories": frozenset({"localhost/worker-ventas"})})
    if allowed:
        assert allowed_container(asked(Image=image), rules)["Image"] == image
    else:
        with pytest.raises(Refused, match="Image"):
            allowed_container(asked(Image=image), rules)


def test_a_flow_run_becomes_a_container_without_privileges_and_of_bounded_size():
    assert allowed_container(asked(), RULES) == {
        "Image": "localhost/worker:1",
        "User": "10001:10001",
        "Cmd": ["prefect", "flow-run", "execute"],
        "Env": ["PREFECT_API_URL=http://server:4200/api"],
        "Labels": {
            "io.prefect.flow-run-id": "1",
            "equipo": "ventas",
            "prefect-infra.area": "ventas",
            OWNER_LABEL: "shop/dev/ventas",
        },
        "HostConfig": {
            "Binds": ["/home/ana/shop/flows:/srv/code/flows:ro", "shop-dev-ventas:/var/lib/flows:rw"],
            "NetworkMode": "shop-dev",
            "Memory": 268435456,
            "MemorySwap": 268435456,
            "NanoCpus": 1_500_000_000,
            "PidsLimit": 256,
            "AutoRemove": False,
            "ReadonlyRootfs": False,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        },
    }


def test_a_flow_run_that_asks_for_nothing_gets_the_areas_size_and_no_mounts():
    host_config = allowed_container(b'{"Image": "localhost/worker:1"}', RULES)["HostConfig"]

    assert (host_config["Memory"], host_config["NanoCpus"], host_config["PidsLimit"]) == (
        512 * 1024 * 1024,
        1_500_000_000,
        256,
    )
    assert host_config["Binds"] == []


def test_a_writable_mount_may_be_asked_for_read_only():
    body = asked({"Binds": ["shop-dev-ventas:/var/lib/flows:ro"]}, Volumes=None)

    assert allowed_container(body, RULES)["HostConfig"]["Binds"] == ["shop-dev-ventas:/var/lib/flows:ro"]


@pytest.mark.parametrize(
    ("host_config", "named"),
    [
        ({"Privileged": True}, "Privileged"),
        ({"privileged": True}, "privileged"),
        ({"CapAdd": ["SYS_ADMIN"]}, "CapAdd"),
        ({"SecurityOpt": ["seccomp=unconfined"]}, "SecurityOpt"),
        ({"Devices": [{"PathOnHost": "/dev/sda"}]}, "Devices"),
        ({"DeviceRequests": [{"Count": -1}]}, "DeviceRequests"),
        ({"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]}, "Mounts"),
        ({"VolumesFrom": ["server"]}, "VolumesFrom"),
        ({"PidMode": "host"}, "PidMode"),
        ({"IpcMode": "host"}, "IpcMode"),
        ({"UTSMode": "host"}, "UTSMode"),
        ({"UsernsMode": "host"}, "UsernsMode"),
        ({"CgroupParent": "/"}, "CgroupParent"),
        ({"Runtime": "other"}, "Runtime"),
        ({"Sysctls": {"net.ipv4.ip_forward": "1"}}, "Sysctls"),
        ({"PortBindings": {"80/tcp": [{"HostPort": "80"}]}}, "PortBindings"),
        ({"ExtraHosts": ["server:10.0.0.1"]}, "ExtraHosts"),
        ({"LogConfig": {"Type": "syslog"}}, "LogConfig"),
        ({"RestartPolicy": {"Name": "always"}}, "RestartPolicy"),
        ({"OomScoreAdj": -1000}, "OomScoreAdj"),
        ({"NetworkMode": "host"}, "NetworkMode"),
        ({"NetworkMode": "container:server"}, "NetworkMode"),
        ({"Binds": ["/:/host"]}, "Binds"),
        ({"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]}, "Binds"),
        ({"Binds": ["/home/ana/shop/flows:/srv/code/flows"]}, "Binds"),
        ({"Binds": ["/home/ana/shop/flows:/srv/code/flows:rw"]}, "Binds"),
        ({"Binds": ["/home/ana/shop/flows/..:/srv/code/flows:ro"]}, "Binds"),
        ({"Binds": ["/home/ana/shop/flows:/srv/code/flows:ro,Z"]}, "Binds"),
        ({"Binds": ["other:/var/lib/flows"]}, "Binds"),
        ({"Memory": 513 * 1024 * 1024}, "Memory"),
        ({"MemorySwap": -1}, "MemorySwap"),
        ({"NanoCpus": 1_500_000_001}, "NanoCpus"),
        ({"PidsLimit": 257}, "PidsLimit"),
        ({"PidsLimit": -1}, "PidsLimit"),
    ],
)
def test_what_would_give_a_flow_run_more_than_its_area_has_is_refused_by_name(host_config: dict[str, Any], named: str):
    with pytest.raises(Refused, match=named):
        allowed_container(asked(host_config), RULES)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Image": "localhost/worker:2"}, "Image"),
        ({"Image": "docker.io/library/alpine"}, "Image"),
        ({"User": "root"}, "User"),
        ({"User": "0:10001"}, "User"),
        ({"Volumes": {"/etc": {}}}, "Volumes"),
        ({"NetworkingConfig": {"EndpointsConfig": {"bridge": {}}}}, "NetworkingConfig"),
        ({"NetworkingConfig": {"EndpointsConfig": {"shop-dev": {"Aliases": ["server"]}}}}, "NetworkingConfig"),
        ({"NetworkingConfig": {"bridge": None}}, "NetworkingConfig"),
        ({"MacAddress": "02:42:ac:11:00:02"}, "MacAddress"),
        ({"Hostname": "server"}, "Hostname"),
        ({"Labels": {OWNER_LABEL: "shop/prod/ventas"}}, "Labels"),
        ({"Labels": {"traefik.enable": "true"}}, "Labels"),
        ({"OpenStdin": True}, "OpenStdin"),
        ({"image": "docker.io/library/alpine"}, "image"),
    ],
)
def test_a_flow_run_that_would_be_another_thing_is_refused_by_name(changes: dict[str, Any], named: str):
    with pytest.raises(Refused, match=named):
        allowed_container(asked(**changes), RULES)


def test_of_two_equal_keys_only_the_checked_one_reaches_the_engine():
    body = b'{"Image": "localhost/worker:1", "HostConfig": {"Privileged": true}, "HostConfig": {"Memory": 1048576}}'

    sent = allowed_container(body, RULES)

    assert "Privileged" not in json.dumps(sent)
    assert sent["HostConfig"]["Memory"] == 1048576


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b'{"Image": 1}', b'{"Image": "a", "Cmd": "sh"}'])
def test_a_body_that_is_no_description_is_refused(body: bytes):
    with pytest.raises(Refused, match="not understood"):
        allowed_container(body, RULES)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
host_keys = st.sampled_from(
    ["Privileged", "privileged", "Binds", "Mounts", "CapAdd", "PidMode", "NetworkMode", "Memory"]
)


@given(st.dictionaries(host_keys | st.text(max_size=12), json_values, max_size=4))
def test_whatever_is_asked_the_engine_gets_only_known_keys_and_the_fixed_limits(host_config: dict[str, Any]):
    fixed = allowed_container(asked(), RULES)
    try:
        sent = allowed_container(asked(host_config), RULES)
    except Refused:
        return

    assert sent.keys() == fixed.keys()
    assert sent["HostConfig"].keys() == fixed["HostConfig"].keys()
    for key in ("CapDrop", "SecurityOpt", "NetworkMode", "RestartPolicy", "LogConfig"):
        assert sent["HostConfig"][key] == fixed["HostConfig"][key]
    assert set(sent["HostConfig"]["Binds"]) <= {
        "/home/ana/shop/flows:/srv/code/flows:ro",
        "shop-dev-ventas:/var/lib/flows:ro",
        "shop-dev-ventas:/var/lib/flows:rw",
    }
    assert 0 < sent["HostConfig"]["Memory"] <= 512 * 1024 * 1024


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "not set"),
        ("{", "JSON"),
        ("{}", "owner"),
        (
            '{"owner": "a", "images": ["i"], "network": "n", "memory_mb": 1, "cpus": 1, "pids": 1, "user": "0:0"}',
            "user",
        ),
        ('{"owner": "a/b/c", "images": [], "network": "n", "memory_mb": 1, "cpus": 1, "pids": 1}', "images"),
        ('{"owner": "a", "images": ["i"], "network": "n", "memory_mb": 1, "cpus": 1, "pids": 1, "x": 1}', "x"),
        (
            '{"owner": "a", "images": ["i"], "network": "n", "memory_mb": 1, "cpus": 1, "pids": 1, "binds": ["/"]}',
            "bind",
        ),
    ],
)
def test_wrong_rules_stop_the_proxy_with_the_name_of_the_rule(text: str, named: str):
    with pytest.raises(RulesError, match=named):
        rules_from_environment({VARIABLE: text})
