"""The one kind of failure that a user of the set-up sees.

SetupError            cannot go on: what, why, and what to do about it
├── CommandError      because a program that it ran failed
└── OfflineError      because something on the network did not answer
"""

from __future__ import annotations

from collections.abc import Sequence

# What programs say when it is the network that is missing, not their own fault.
_OFFLINE = (
    "connection refused",
    "network is unreachable",
    "name or service not known",
    "temporary failure in name resolution",
    "temporary failure resolving",
    "could not resolve",
    "no such host",
    "failed to establish a new connection",
    "cannot connect to proxy",
    "proxyconnect tcp",
    "no route to host",
    "i/o timeout",
    "connection timed out",
    "server misbehaving",
)


class SetupError(Exception):
    """Says what cannot be done, why, and what the reader can do about it."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class OfflineError(SetupError):
    """Nothing that comes from the same place need be tried."""


class CommandError(SetupError):
    """A program failed; keeps the end of what it printed, to tell one failure from another."""

    def __init__(self, argv: Sequence[str], outcome: str, output: str) -> None:
        self.output = output
        tail = "\n       ".join(output.strip().splitlines()[-8:])
        super().__init__(f"`{' '.join(argv[:4])}{' …' if len(argv) > 4 else ''}` {outcome}", why=tail)  # noqa: PLR2004

    @property
    def offline(self) -> bool:
        said = self.output.lower()
        return any(symptom in said for symptom in _OFFLINE)

    def told_as(self, what: str, *, fix: str, needs: str) -> SetupError:
        """The failure in the words of the step it broke; `needs` names what an offline machine could not reach."""
        if self.offline:
            return OfflineError(
                what,
                why=f"no network: {needs} did not answer",
                fix="check the connection and the proxy variables (HTTPS_PROXY, SSL_CERT_FILE), then run it again",
            )
        return SetupError(what, why=f"{self.what}\n       {self.why}".rstrip(), fix=fix)
