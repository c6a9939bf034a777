"""Objects that are there already, taken into the state by Pulumi's own import rather than made.

An import file in the form of `pulumi import --file` names them by type and name; the program, which knows their parents
and the provider, adds the rest. Pulumi reads each object, and changes one whose properties are not those of the program
in the same `up`: whoever wants none of that looks at a preview first, as `prefect-infra import server` does.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pulumi

VARIABLE: Final = "PREFECT_INFRA_IMPORT"
"""The path of the import file."""


def import_what_is_there() -> None:
    """Must come before the first resource."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    listed = json.loads(Path(path).read_text(encoding="utf-8"))["resources"]
    ids = {(each["type"], each["name"]): each["id"] for each in listed}

    def with_its_id(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        id_ = ids.get((args.type_, args.name))
        if id_ is None:
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(import_=id_))
        return pulumi.ResourceTransformationResult(args.props, opts)

    pulumi.runtime.register_stack_transformation(with_its_id)
