"""Who is told of what: the block that an area's alerts go to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from infra.model import declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.naming import suggestion
from infra.model.rules import Rule, coherence, keys
from infra.model.stack import Alerts, AlertTarget

BLOCK_TYPES: Final = {
    "slack": "slack-webhook",
    "teams": "ms-teams-webhook",
    "webhook": "custom-webhook",
    "email": "sendgrid-email",
}
_OF_EMAIL: Final = ("sender", "recipients")


def check(given: declared.Alerts | None, path: KeyPath, secrets: frozenset[str], found: Findings) -> None:
    """Told once, where it is written."""
    if given is None:
        return
    for rule, name, message, hint in _faults(given.to):
        found.add(rule, (*path, "to", name), message, hint=hint, of_key=rule is not keys.MISSING_KEY)
    secret = given.to.secret
    if secret is not None and secret not in secrets:
        close = suggestion(secret, secrets)
        hint = close if close and close.startswith("did") else f"pulumi config set --secret prefect-infra:{secret}"
        message = f"the stack has no secret {secret!r}"
        found.add(coherence.UNKNOWN_SECRET, (*path, "to", "secret"), message, hint=hint)


def _faults(to: declared.AlertTarget) -> Iterator[tuple[Rule, str, str, str]]:
    if to.block and to.type:
        yield keys.CONFLICTING_KEYS, "type", "'block' and 'type' exclude each other", "keep one of them"
    elif not (to.block or to.type):
        yield keys.MISSING_KEY, "block", "nobody would be told", "give block: slack-webhook/avisos, or type and secret"
    if to.type and not to.secret:
        yield keys.MISSING_KEY, "secret", f"{to.type} needs a secret", "give it: secret: name_of_the_key"
    if to.secret and not to.type:
        yield keys.MISPLACED_KEY, "secret", "'secret' goes with 'type'", "leave it out, or give a type"
    for name in _OF_EMAIL:
        if getattr(to, name) and to.type != "email":
            yield keys.MISPLACED_KEY, name, f"{name!r} goes with type: email", "leave it out"
        if to.type == "email" and not getattr(to, name):
            yield keys.MISSING_KEY, name, f"an email needs {name!r}", f"give it: {name}: …"


def alerts(given: declared.Alerts | None, pool: str) -> Alerts | None:
    """Of an area with this pool."""
    if given is None:
        return None
    on = tuple(dict.fromkeys(given.on))
    if given.to.block:
        type_slug, _, name = given.to.block.partition("/")
        return Alerts(on=on, to=AlertTarget(block_type=type_slug, block_name=name, secret=None, settings={}))
    settings: dict[str, Any] = {}
    if given.to.type == "email":
        settings = {"sender_email": given.to.sender, "to_emails": list(given.to.recipients)}
    elif given.to.type == "webhook":
        settings = {"name": pool, "method": "POST", "json_data": {"subject": "{{subject}}", "body": "{{body}}"}}
    to = AlertTarget(
        block_type=BLOCK_TYPES[given.to.type or "webhook"],
        block_name=f"{pool}-alerts".replace("_", "-").lower(),
        secret=given.to.secret,
        settings=settings,
    )
    return Alerts(on=on, to=to)
