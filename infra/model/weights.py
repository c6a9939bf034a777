"""What a stack makes of the rules: which are turned down, and which can't be."""

from __future__ import annotations

from collections.abc import Mapping

from infra.model import declared
from infra.model.collecting import Findings, Weight
from infra.model.naming import suggestion
from infra.model.rules import ALL, BY_WORD, keys, settings

_DESCENDING = ("error", "warning", "off")


def settled(rules: Mapping[str, declared.RuleSetting], findings: Findings) -> dict[str, Weight]:
    """By code. A rule that can't be turned down keeps its own."""
    weights: dict[str, Weight] = {}
    for word, setting in rules.items():
        path = ("rules", word)
        rule = BY_WORD.get(word) or BY_WORD.get(word.upper()) or BY_WORD.get(word.lower().replace("_", "-"))
        if rule is None:
            close = suggestion(word.upper() if word.upper().startswith("PI") else word, BY_WORD)
            hint = close if close and close.startswith("did") else "`prefect-infra rules` lists them all"
            findings.add(settings.UNKNOWN_RULE, path, f"there is no rule {word!r}", hint=hint, of_key=True)
            continue
        if not setting.reason.strip():
            findings.add(keys.EMPTY, (*path, "reason"), "'reason' must say why", hint="who reads it next wants to know")
        if rule.code in weights:
            message = f"{rule.code} {rule.name} is set twice, by its code and by its name"
            findings.add(keys.CONFLICTING_KEYS, path, message, hint="keep one of them", of_key=True)
        lower = _DESCENDING.index(setting.severity) > _DESCENDING.index(rule.severity)
        if lower and not rule.settable:
            findings.add(
                settings.FIXED_RULE,
                (*path, "severity"),
                f"{rule.code} {rule.name} can't be turned down: it protects what a stack needs to work",
                hint=f"mend what it found; these can be: {', '.join(each.code for each in ALL if each.settable)}",
            )
            continue
        weights[rule.code] = setting.severity
    return weights
