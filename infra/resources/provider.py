"""The connection to one Prefect server, as a resource."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi


class Provider(pulumi.ProviderResource):
    """One server. Without an `api_url`: that of the profile, the environment or the active profile, with the
    credentials from there (docs/credentials.md).
    """

    def __init__(
        self,
        resource_name: str,
        *,
        api_url: pulumi.Input[str] | None = None,
        profile: pulumi.Input[str] | None = None,
        auth_string: pulumi.Input[str] | None = None,
        api_key: pulumi.Input[str] | None = None,
        headers: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        ca_file: pulumi.Input[str] | None = None,
        ca_certificate: pulumi.Input[str] | None = None,
        writes_at_once: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "api_url": api_url,
            "profile": profile,
            "auth_string": auth_string and pulumi.Output.secret(auth_string),
            "api_key": api_key and pulumi.Output.secret(api_key),
            # Settings of a provider are texts on the wire.
            "headers": pulumi.Output.secret(headers).apply(json.dumps) if headers else None,
            "ca_file": ca_file,
            "ca_certificate": ca_certificate,
            "writes_at_once": writes_at_once,
        }
        super().__init__("prefect", resource_name, properties, opts)
