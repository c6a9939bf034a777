"""What is seen of a platform on a swarm: its services, where they are at work, and whether it answers."""

from __future__ import annotations

import json
from typing import Any

from tests.stack.platforms import Platform, eventually
from tests.swarm.nodes import Nodes


def service(nodes: Nodes, prod: Platform, role: str) -> dict[str, Any]:
    (found,) = json.loads(nodes.ask(1, "service", "inspect", f"prefect-infra-{prod.stack}_{role}"))
    told: dict[str, Any] = found
    return told


def tasks_on(nodes: Nodes, prod: Platform, role: str) -> list[str]:
    """The nodes on which a part is at work, one for each task."""
    wanted = ("--filter", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}")
    lines = nodes.ask(1, "service", "ps", *wanted, f"prefect-infra-{prod.stack}_{role}").splitlines()
    return sorted(line.split()[0] for line in lines if " Running " in line)


def spread(nodes: Nodes, prod: Platform, area: str, numbers: tuple[int, ...]) -> None:
    """A worker on each node. An `up` may have left two on one; one that ends begins anew where there are fewest."""
    role, wanted = f"{area}-worker", [f"node-{number}" for number in numbers]
    if tasks_on(nodes, prod, role) != wanted:
        number, container = containers_on(nodes, prod, "worker", area)[0]
        nodes.ask(number, "stop", "--time", "60", container)
        eventually(f"{role} on {wanted}", lambda: tasks_on(nodes, prod, role) == wanted, 120)


def services(nodes: Nodes, prod: Platform) -> dict[str, dict[str, Any]]:
    """What the swarm was asked for, by the name of each part."""
    every = nodes.ask(1, "service", "ls", "--quiet").split()
    prefix = f"prefect-infra-{prod.stack}_"
    return {
        each["Spec"]["Name"].removeprefix(prefix): each["Spec"]
        for each in json.loads(nodes.ask(1, "service", "inspect", *every))
    }


def containers_on(nodes: Nodes, prod: Platform, role: str, area: str | None = None) -> list[tuple[int, str]]:
    """Those of a part that run, each with the number of its node. Every node has to be there."""
    labels = {"stack": prod.stack, "role": role, **({"area": area} if area else {})}
    filters = [f"label=prefect-infra.{key}={value}" for key, value in labels.items()]
    return [(number, each) for number in range(1, nodes.count + 1) for each in nodes.containers(number, *filters)]
