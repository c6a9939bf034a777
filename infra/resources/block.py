"""Block documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi


class Block(pulumi.CustomResource):
    """A block document of any type. Its data is a secret as a whole."""

    name: pulumi.Output[str]
    block_document_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        type_slug: pulumi.Input[str],
        data: pulumi.Input[Mapping[str, Any]],
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "type_slug": type_slug,
            "data": pulumi.Output.secret(data),
            "adopt": adopt,
            "owners": owners,
            "block_document_id": None,
        }
        super().__init__("prefect:index:Block", resource_name, properties, opts)
