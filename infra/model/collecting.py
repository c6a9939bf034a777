"""Findings while they come up: each gets its place in the files, and the weight that the stack gives its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from infra.model import credentials
from infra.model.errors import NAMESPACE, Finding, KeyPath, dotted, in_order
from infra.model.loading import Sources
from infra.model.overlays import Composed
from infra.model.rules import Rule

Weight: TypeAlias = Literal["error", "warning", "off"]


class Findings:
    """Takes the paths of the stack as it is in its environment; what an overlay or a default said, is told there."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._written: Callable[[KeyPath], KeyPath] = lambda path: path
        self._seen_as: Callable[[KeyPath], KeyPath] = lambda path: path
        self._found: list[tuple[KeyPath, KeyPath, Finding]] = []
        self._beside: list[Finding] = []
        self._secrets: set[str] = set()
        self._weights: Mapping[str, Weight] = {}

    def follow(self, composed: Composed) -> None:
        """From here on, paths are those of the composed values."""
        self._written = composed.written

    def before(self, composed: Composed) -> None:
        """Until then they are those of the files; what stands in an overlay is known by what it lies over."""
        self._seen_as = composed.laid_over

    def add(self, rule: Rule, path: KeyPath, message: str, *, hint: str | None = None, of_key: bool = False) -> None:
        written = self.written(path)
        finding = self._finding(rule, written, message, hint, of_key=of_key)
        self._found.append((self._seen_as(path), written, finding))

    def add_secret(self, rule: Rule, path: KeyPath, message: str, *, text: str, hint: str, of_key: bool) -> None:
        """A credential, which no finding shows. What else is wrong with its value is told all the same."""
        self._secrets.add(text)
        self._beside.append(self._finding(rule, self.written(path), message, hint, of_key=of_key))

    def add_foreign_secrets(self) -> None:
        """Credentials under the keys of other programs and providers, which stand in the same files."""
        for file in (self._sources.own, self._sources.base):
            if file is None or not file.exists:
                continue
            others = {key: value for key, value in file.config.items() if not key.startswith(f"{NAMESPACE}:")}
            for found in credentials.plain_secrets(others):
                self._secrets.add(found.text)
                mark = file.document.mark(("config", *found.path), of_key=found.of_key)
                path = dotted(found.path).removeprefix(f"{NAMESPACE}:")
                hint = f"revoke it, and set the new one by: pulumi config set --secret {found.path[0]}"
                self._beside.append(file.finding(found.rule, path, mark, found.message, hint))

    def add_of_other_files(self, findings: Iterable[Finding]) -> None:
        """What is wrong in files that are no stack's."""
        self._beside.extend(findings)

    def _finding(self, rule: Rule, written: KeyPath, message: str, hint: str | None, *, of_key: bool) -> Finding:
        place = self._sources.place(written, of_key=of_key)
        file, mark = place or (None, None)
        line, column = mark or (None, None)
        return Finding(
            rule=rule, path=dotted(written), message=message, hint=hint, file=file, line=line, column=column,
            severity=rule.severity,
        )  # fmt: skip

    def add_files(self) -> None:
        """What is wrong with the files themselves."""
        for file in (self._sources.own, self._sources.base):
            if file is not None and file.exists:
                self._found.extend((path, path, finding) for path, finding in file.findings())
        self._found.extend((path, path, finding) for path, finding in self._sources.faults)

    def written(self, path: KeyPath) -> KeyPath:
        """Where the value at the path was written: itself, in an overlay, or among the defaults."""
        return self._written(path)

    def weigh(self, weights: Mapping[str, Weight]) -> None:
        """By code: what the stack makes of rules that may be turned down."""
        self._weights = weights

    def any_at(self, *path: str | int) -> bool:
        """Whether something is wrong there or below: what follows from it needn't be told as well."""
        return any(found[: len(path)] == path for found, _, _ in self._found)

    def has(self, path: KeyPath) -> bool:
        written = self.written(path)
        return any(written == found for _, found, _ in self._found)

    def all(self) -> tuple[Finding, ...]:
        """In the order of the files, without a credential, and without what the stack turned off."""
        secrets = frozenset(self._secrets)
        found = (*(finding for _, _, finding in self._found), *self._beside)
        return in_order(masked(finding, secrets) for finding in weighed(found, self._weights))


def weighed(findings: Iterable[Finding], weights: Mapping[str, Weight]) -> list[Finding]:
    """Without those whose rule is off, the others as severe as the stack has them."""
    heavy = ((finding, weights.get(finding.rule.code, finding.severity)) for finding in findings)
    return [replace(finding, severity=weight) for finding, weight in heavy if weight != "off"]


def masked(finding: Finding, secrets: frozenset[str] = frozenset()) -> Finding:
    """The finding without these secrets, and without whatever has the form of one."""

    def mask(text: str) -> str:
        return credentials.masked(credentials.without(text, secrets))

    return replace(
        finding,
        path=mask(finding.path),
        message=mask(finding.message),
        hint=mask(finding.hint) if finding.hint is not None else None,
    )
