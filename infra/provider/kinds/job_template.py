"""A work pool's base job template: the default of its worker type, and what of it is patched.

Its `variables` are a JSON schema of what a deployment may say, each with a default; its `job_configuration` says what
becomes of them, each entry by its name.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping
from typing import Any, Final, NamedTuple

from infra.provider.api import Api
from infra.provider.errors import Rejected

WORKER_TYPES: Final = "collections/views/aggregate-worker-metadata"
"""Those of the server's own version of Prefect: none comes or goes while it runs."""


async def defaults_of_types(api: Api) -> dict[str, dict[str, Any]]:
    """The base job templates that the server starts new pools with, by worker type."""
    return by_type(await api.remembered(WORKER_TYPES))


async def default_of_type(api: Api, worker_type: str) -> dict[str, Any]:
    """The server's own default for a worker type. Raises: Rejected: there is no such type."""
    templates = await defaults_of_types(api)
    if worker_type not in templates:
        raise Rejected(f"no worker type {worker_type!r}; the server knows: {', '.join(sorted(templates))}")
    return templates[worker_type]


def by_type(packages: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of what `WORKER_TYPES` answers."""
    return {
        name: worker["default_base_job_configuration"]
        for workers in packages.values()
        for name, worker in workers.items()
    }


class Patches(NamedTuple):
    """Defaults of variables, and entries of the job configuration, by their names."""

    defaults: dict[str, Any]
    configuration: dict[str, Any]

    def onto(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """A template of its own, which has what they are patches of."""
        patched = copy.deepcopy(dict(template))
        for variable, value in self.defaults.items():
            patched["variables"]["properties"][variable]["default"] = value
        if self.configuration:
            patched["job_configuration"] |= self.configuration
        return patched

    def beside(
        self, template: Mapping[str, Any], defaults: Mapping[str, Any], configuration: Mapping[str, Any]
    ) -> Patches:
        """With those of the declared ones that are as the template has it."""
        return Patches(
            {**_as_declared(_defaults(template), defaults), **self.defaults},
            {**_as_declared(template.get("job_configuration", {}), configuration), **self.configuration},
        )


def apart(template: Mapping[str, Any], base: Mapping[str, Any], patchable: Container[str]) -> Patches | None:
    """What makes a pool's template of `base`, with entries of the job configuration that are `patchable` alone.

    None: no patches do. A pool made without a template has an empty one until a worker fills in the default: that is no
    difference.
    """
    if not template:
        return Patches({}, {})
    theirs, known = _defaults(base), base.get("variables", {}).get("properties", {})
    configured, absent = base.get("job_configuration", {}), object()
    patches = Patches(
        {
            name: value
            for name, value in _defaults(template).items()
            if name in known and value != theirs.get(name, absent)
        },
        {
            name: value
            for name, value in template.get("job_configuration", {}).items()
            if name in patchable and name in configured and value != configured[name]
        },
    )
    return patches if patches.onto(base) == template else None


def _defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    variables = template.get("variables", {}).get("properties", {})
    return {name: variable["default"] for name, variable in variables.items() if "default" in variable}


def _as_declared(found: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in declared.items() if name in found and found[name] == value}
