"""The second set of rules: who starts and stops workers may list, inspect, start and stop those, and nothing else.

Workers that may be stopped have a label that says so, beside those of their stack and area: neither the first workers
of an area, nor anybody else's container, nor one of a flow run is ever found by these rules.
"""

import json
import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from workers.socket_proxy.creation import Refused
from workers.socket_proxy.request import NAME, Forward, Request, checked_query

AREA_LABEL = "prefect-infra.area"
ACTIONS = {("GET", "json"), ("POST", "start"), ("POST", "stop")}
"""A stop asks for no time of its own: a worker has as long as its container says."""


class ScalingRules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: dict[str, str] = Field(min_length=3)
    """What a container must have to be started or stopped: the stack's labels, and that it is such a worker."""
    areas: frozenset[str] = Field(min_length=1)

    def refusal(self, container: str, labels: Mapping[str, str]) -> str | None:
        """Why a container of those labels is none of these workers, or None."""
        mine = self.labels.items() <= labels.items() and labels.get(AREA_LABEL) in self.areas
        return None if mine else f"the container {container} is no worker that may be started and stopped"

    def decide(self, request: Request) -> Forward:
        """What the request becomes; raises Refused, the rule for all that is not named here."""
        if request.method in ("GET", "HEAD") and request.path == "/_ping":
            return Forward(method=request.method, path=f"{request.version}/_ping")
        if (request.method, request.path) == ("GET", "/containers/json"):
            checked_query(request, {})
            # Not what was asked for but what may be seen.
            filters = json.dumps({"label": [f"{key}={value}" for key, value in sorted(self.labels.items())]})
            query = {"all": "true", "filters": filters}
            return Forward(method="GET", path=f"{request.version}/containers/json", query=query)
        match = re.fullmatch(rf"/containers/({NAME})/([a-z]+)", request.path)
        if match is None or (request.method, match[2]) not in ACTIONS:
            raise Refused(f"{request.method} {request.path} is not among the calls that starting and stopping needs")
        checked_query(request, {})
        return Forward(
            method=request.method, path=f"{request.version}/containers/{{id}}/{match[2]}", container=match[1]
        )
