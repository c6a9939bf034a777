"""What holds in one environment: each area and deployment with its overlay, over the defaults it takes.

From the far to the near: the stack's defaults, the area's, the deployment, its overlay. Mappings are merged key by key;
all else is replaced, lists too. Nothing (null) in an overlay takes away. Each value remembers where it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from infra.model import declared
from infra.model.errors import KeyPath

OVERLAYS = "in"
ONLY_IN = "only_in"
_DEFAULTS = frozenset(declared.keys_of(declared.DeploymentDefaults))


@dataclass(frozen=True)
class Composed:
    """The values of one environment. `origins`: where the values stand that were not written at their own path."""

    values: Mapping[str, Any]
    environment: object
    origins: Mapping[KeyPath, KeyPath] = field(default_factory=dict)

    def written(self, path: KeyPath) -> KeyPath:
        """The path in the files of a value of these."""
        for length in range(len(path), 0, -1):
            if (origin := self.origins.get(path[:length])) is not None:
                return (*origin, *path[length:])
        return path

    def laid_over(self, path: KeyPath) -> KeyPath:
        """Of a path in this environment's overlay, the one of what it lies over."""
        overlay = (OVERLAYS, self.environment)
        for start in range(2, len(path) - 1):
            if path[0] == "areas" and path[start : start + 2] == overlay:
                return (*path[:start], *path[start + 2 :])
        return path


@dataclass(frozen=True)
class _Value:
    """A value that knows where it was written; containers hold such values again."""

    at: KeyPath
    value: Any

    def get(self, key: object) -> _Value | None:
        return self.value.get(key) if isinstance(self.value, dict) else None

    def without(self, *keys: str) -> _Value:
        if not isinstance(self.value, dict):
            return self
        return _Value(self.at, {key: value for key, value in self.value.items() if key not in keys})


def composed(raw: Mapping[str, Any]) -> Composed:
    """Takes values of any shape: what is not as it should be stays as it is, for the rules to tell."""
    environment = raw.get("environment")
    areas = raw.get("areas")
    if not isinstance(areas, dict):
        return Composed(raw, environment)
    defaults = _located(raw.get("defaults"), ("defaults",))
    made = {name: _area(_located(area, ("areas", name)), defaults, environment) for name, area in areas.items()}
    origins: dict[KeyPath, KeyPath] = {}
    values = {name: _plain(area, ("areas", name), ("areas", name), origins) for name, area in made.items()}
    return Composed({**raw, "areas": values}, environment, origins)


def _area(area: _Value, defaults: _Value, environment: object) -> _Value:
    if not isinstance(area.value, dict):
        return area
    own = _with_overlay(area, environment, declared.AreaKeys)
    listed = own.get("deployments")
    if listed is None or not isinstance(listed.value, list):
        return own
    taken = _over(defaults, own.get("defaults") or _Value((), {}), declared.DeploymentDefaults)
    made = [_deployment(each, taken, environment) for each in listed.value if _is_in(each, environment)]
    return _Value(own.at, {**own.value, "deployments": _Value(listed.at, made)})


def _deployment(deployment: _Value, defaults: _Value, environment: object) -> _Value:
    if not isinstance(deployment.value, dict):
        return deployment
    own = _with_overlay(deployment, environment, declared.DeploymentKeys).without(ONLY_IN)
    if not isinstance(defaults.value, dict):
        return own
    usable = {key: value for key, value in defaults.value.items() if key in _DEFAULTS and value.value is not None}
    return _Value(own.at, _over(_Value(own.at, usable), own, declared.DeploymentKeys).value)


def _is_in(deployment: _Value, environment: object) -> bool:
    only = deployment.get(ONLY_IN)
    if only is None or not isinstance(only.value, list) or not isinstance(environment, str):
        return True
    return any(each.value == environment for each in only.value)


def _with_overlay(base: _Value, environment: object, model: type[declared.Declared]) -> _Value:
    overlays = base.get(OVERLAYS)
    overlay = overlays.get(environment) if overlays is not None and isinstance(environment, str) else None
    base = base.without(OVERLAYS)
    if overlay is None or not isinstance(overlay.value, dict):
        return base
    # What an overlay can't say is a fault that is told where it stands, and plays no part.
    strange = [key for key in overlay.value if key not in declared.keys_of(model)]
    return _over(base, overlay.without(*strange), model, takes_away=True)


def _over(
    base: _Value, top: _Value, model: type[declared.Declared], path: KeyPath = (), *, takes_away: bool = False
) -> _Value:
    """`takes_away`: nothing in a mapping of free keys, such as `env`, removes the key; elsewhere it is a value."""
    if not isinstance(top.value, dict):
        return top
    within = declared.in_model(model, path)
    if not isinstance(base.value, dict) or (_is_code(within) and "location" in top.value):
        base = _Value(top.at, {})
    merged = dict(base.value)
    for key, value in top.value.items():
        if takes_away and within is None and value.value is None:
            merged.pop(key, None)
        elif isinstance(value.value, dict):
            merged[key] = _over(
                merged.get(key, _Value(value.at, {})), value, model, (*path, key), takes_away=takes_away
            )
        else:
            merged[key] = value
    return _Value(base.at, merged)


def _is_code(model: type[BaseModel] | None) -> bool:
    """Another location has other keys: they are not mixed."""
    return model is declared.Code


def _located(value: Any, at: KeyPath) -> _Value:
    if isinstance(value, Mapping):
        return _Value(at, {key: _located(inner, (*at, key)) for key, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return _Value(at, [_located(inner, (*at, index)) for index, inner in enumerate(value)])
    return _Value(at, value)


def _plain(value: _Value, path: KeyPath, expected: KeyPath, origins: dict[KeyPath, KeyPath]) -> Any:
    """The value alone; where it was written goes into `origins`, if that is not what its parent makes one expect."""
    if value.at != expected:
        origins[path] = value.at
    if isinstance(value.value, dict):
        return {key: _plain(v, (*path, key), (*value.at, key), origins) for key, v in value.value.items()}
    if isinstance(value.value, list):
        return [_plain(v, (*path, index), (*value.at, index), origins) for index, v in enumerate(value.value)]
    return value.value
