"""What secrets hold: looked at where they can be read, which is in a preview and an `up`, before anything is made."""

from __future__ import annotations

from infra.model.rules.rule import Rule

UNUSABLE_CERTIFICATE = Rule(
    code="PI801",
    name="unusable-certificate",
    meaning=(
        "The certificate of `proxy.tls` can't be shown: it is no PEM, out of date, for another host, not its key's, or "
        "those between it and its authority are missing or in another order."
    ),
    example="prefect-infra:tls_certificate: {secure: v1:abcdefgh}   # the key's file by mistake",
    mending=(
        "`pulumi config set --secret prefect-infra:tls_certificate < fullchain.pem`: the server's own first, then who "
        "signed it, and so on; `tls_key` is its private key without a passphrase."
    ),
)
UNUSABLE_ADDRESS = Rule(
    code="PI802",
    name="unusable-address",
    meaning="The address of a database or Redis elsewhere has another form than the server takes, or leads nowhere.",
    example="prefect-infra:database_url: {secure: v1:abcdefgh}   # postgres://prefect@localhost/prefect",
    mending=(
        "`postgresql+asyncpg://user:password@host:5432/name`, `rediss://:password@host:6379/0`. What has a meaning in "
        "addresses is written as in addresses: %40 for @."
    ),
)
EXPIRES_SOON = Rule(
    code="PI803",
    name="expires-soon",
    meaning="The certificate of `proxy.tls` is good for less than three weeks.",
    example="prefect-infra:tls_certificate: {secure: v1:abcdefgh}   # good until next Tuesday",
    mending="Set the renewed one and its key by `pulumi config set --secret`, then `pulumi up`.",
    severity="warning",
    settable=True,
)
UNUSABLE_CREDENTIAL = Rule(
    code="PI804",
    name="unusable-credential",
    meaning=(
        "What the stack gives its server to ask people for isn't `user:password`, or has characters that Prefect's "
        "server answers each request with an error for: those that aren't ASCII."
    ),
    example="prefect-infra:auth_string: {secure: v1:abcdefgh}   # admin:contraseña",
    mending="`pulumi config set --secret prefect-infra:auth_string 'user:password'`, in letters without accents.",
)

RULES = (UNUSABLE_CERTIFICATE, UNUSABLE_ADDRESS, EXPIRES_SOON, UNUSABLE_CREDENTIAL)
