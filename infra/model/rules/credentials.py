"""Secrets in plain. A finding never shows what it found."""

from __future__ import annotations

from infra.model.rules.rule import Rule

KNOWN_SECRET = Rule(
    code="PI501",
    name="secret-in-plain",
    meaning=(
        "A value has the form of a credential: a key of AWS, a token of GitHub, GitLab, Slack or Prefect, a private "
        "key, a URL or connection string with a password. It would be in the repository, in the state and in the UI."
    ),
    example=("prefect-infra:areas:\n  compras:\n    env: {BASE: 'postgresql://compras:ejemplo-de-clave@db/compras'}"),
    mending="Revoke it, then keep it in a Prefect Secret block: `{{ prefect.blocks.secret.<name> }}`.",
    settable=True,
)
LIKELY_SECRET = Rule(
    code="PI502",
    name="likely-secret",
    meaning="A value as random as a credential stands under a key that speaks of one (password, token, clave, …).",
    example="prefect-infra:areas:\n  compras:\n    env: {ERP_PASSWORD: x7Gq2Lw9ZtB4}",
    mending="As for PI501. If it is none, turn the rule down and say why.",
    settable=True,
)

RULES = (KNOWN_SECRET, LIKELY_SECRET)
