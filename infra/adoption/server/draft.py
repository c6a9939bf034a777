"""A whole server as the files of a stack, as far as it has come: what it says, and what is to be told of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.adoption.drafts import Remark, Weight
from infra.adoption.server.deployments import Surroundings
from infra.adoption.server.objects import DEFAULT_QUEUE
from infra.adoption.server.rows import Row, ServerRows
from infra.adoption.stack_edit import rendered
from infra.model import NAMESPACE, Stack
from infra.model.declared import Naming
from infra.model.descriptive import says_nothing

SCHEMA: Final = "# yaml-language-server: $schema=infra/model/schema/stack.json\n"
AREA_SCHEMA: Final = "# yaml-language-server: $schema=../infra/model/schema/area.json\n"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The stack that a server is to become."""

    root: Path
    stack: str
    environment: str
    auth: bool
    """Whether the server asks who one is."""
    areas: Mapping[str, str]
    """Names of areas that somebody chose, by pool."""
    area_files: bool
    """Each area in a file of its own."""
    around: Surroundings

    @property
    def file(self) -> str:
        return f"Pulumi.{self.stack}.yaml"


@dataclass
class Draft:
    """What there is so far; `left_out` by what it stands for."""

    target: Target
    rows: ServerRows
    areas: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, without deployments."""
    deployments: dict[str, list[tuple[Row, dict[str, Any]]]] = field(default_factory=dict)
    """By area."""
    shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: dict[Remark, None] = field(default_factory=dict)

    def tell(self, where: str, weight: Weight, text: str) -> None:
        self.remarks[Remark(where, weight, text)] = None

    def texts(self) -> dict[str, str]:
        """The files, by their paths in the checkout."""
        made: dict[str, str] = {}
        areas: dict[str, Any] = {}
        for name, keys in self.areas.items():
            listed = [each for _, each in self.deployments.get(name, ())]
            whole = {**keys, **({"deployments": listed} if listed else {})}
            areas[name] = whole
            if self.target.area_files:
                areas[name] = f"areas/{name}.yaml"
                made[areas[name]] = AREA_SCHEMA + rendered(whole)
        server: dict[str, Any] = {"api_url": self.rows.api_url}
        if self.target.auth:
            server["auth"] = "required"
        config: dict[str, Any] = {
            "environment": self.target.environment,
            "timezone": self.target.around.timezone,
            "server": {**server, "protect": True},
            "profiles": [],  # whoever imports has one already
        }
        if renamed := sorted(str(keys["work_pool_name"]) for keys in self.areas.values() if "work_pool_name" in keys):
            reason = f"these pools were there before, and Prefect can't rename one: {', '.join(renamed)}"
            config["rules"] = {"PI219": {"severity": "off", "reason": reason}}
        if allowed := sorted({name for name in self._names() if says_nothing(name, Naming())}):
            config["naming"] = {"allowed": allowed}  # Prefect can't rename these either
        config |= {key: values for key, values in self.shared.items() if values}
        if areas:
            config["areas"] = areas
        made[self.target.file] = SCHEMA + rendered(
            {"config": {f"{NAMESPACE}:{key}": value for key, value in config.items()}}
        )
        return made

    def resources(self, stack: Stack) -> Iterator[dict[str, str]]:
        """Each object as `pulumi import` names it: its type, its name in the program, its id."""
        for each in stack.areas:
            yield _resource("WorkPool", each.pool.name, each.pool.name)
            for queue in each.pool.queues:
                name = f"{each.pool.name}/{queue.name}"
                yield _resource("WorkQueue", name, name)
            for row, keys in self.deployments.get(each.name, ()):
                yield _resource("Deployment", keys["name"], row["id"])
        for variable_ in stack.variables:
            yield _resource("Variable", variable_.name, variable_.name)
        for limit in stack.global_concurrency_limits:
            yield _resource("GlobalConcurrencyLimit", limit.name, limit.name)
        for tagged in stack.tag_concurrency_limits:
            yield _resource("TagConcurrencyLimit", tagged.tag, tagged.tag)

    def drop(self, kind: str, name: str, index: int, reason: str) -> None:
        """Leave out a deployment (the area's so manieth), a queue (`area.queue`), an area or a shared object."""
        match kind:
            case "deployment":
                listed = self.deployments.get(name, [])
                if index < len(listed):
                    self._tell_left_out(listed.pop(index)[0], reason)
            case "queue":
                of, _, queue = name.partition(".")
                self.areas[of]["queues"].pop(queue, None)
                self.tell(f"work queue {queue} of the area {of}", "left out", reason)
            case "area":
                self.areas.pop(name, None)
                self.tell(f"area {name}", "left out", reason)
                for row, _ in self.deployments.pop(name, ()):
                    self._tell_left_out(row, f"its area {name!r} is left out")
            case _:
                self.shared[kind].pop(name, None)
                self.tell(f"{kind}.{name}", "left out", reason)

    def where(self, row: Row) -> str:
        return f"deployment {self.rows.flow_names[row['flow_id']]}/{row['name']}"

    def _tell_left_out(self, row: Row, reason: str) -> None:
        where = self.where(row)
        self.remarks = {each: None for each in self.remarks if each.where != where}
        self.tell(where, "left out", reason)

    def _names(self) -> Iterator[str]:
        for name, keys in self.areas.items():
            yield from (queue for queue in keys.get("queues", ()) if queue != DEFAULT_QUEUE)
            yield from (each["name"] for _, each in self.deployments.get(name, ()))


def _resource(kind: str, name: str, id_: str) -> dict[str, str]:
    return {"type": f"prefect:index:{kind}", "name": name, "id": id_}
