"""What can go wrong in the provider, by what the caller can do about it.

    ProviderError
    ├── Unreachable       the server did not answer in time: start it, or correct its address
    ├── Unauthorised      the server answered 401 or 403: correct the credentials
    ├── Untrusted         the server can't prove that it is the one: give its authority's certificate
    ├── NotFound          the object is not there (any more)
    ├── Conflict          the server holds something that contradicts the request
    │   ├── NotOurs       an object of the same identity exists that this stack did not make
    │   └── NameTaken     another object has the name that one of ours is to be renamed to
    ├── InvalidArguments  a function was asked with what it can't be asked with: correct the program
    ├── Rejected          the server understood and refused the content (400, 409, 422, ...)
    ├── StaleState        the state was written by another version of the provider: refresh it
    └── LocalFile         a file on this machine can't be read or written safely

The HTTP status is mapped to one of these once, in `api`; nobody above looks at numbers or at texts.
"""

from __future__ import annotations


class ProviderError(Exception):
    """A failure that is told to the user as it stands, without a traceback."""


class Unreachable(ProviderError): ...


class Unauthorised(ProviderError): ...


class Untrusted(ProviderError): ...


class NotFound(ProviderError): ...


class Conflict(ProviderError): ...


class NotOurs(Conflict):
    def __init__(self, what: str, token: str, import_id: str, differs: str = "") -> None:
        """`differs` says what it is like, where one may declare it as it is."""
        super().__init__(
            f"{what} exists already, and this stack did not make it{differs}. Either take it over as it is, with "
            f"`pulumi import {token} NAME {import_id}`, or let the stack overwrite it by saying `adopt: true`, "
            "or choose another name."
        )


class NameTaken(Conflict):
    def __init__(self, what: str, former: str, token: str, import_id: str) -> None:
        super().__init__(
            f"{what} exists already: {former!r} can't be renamed to it, and stays as it is. Choose another name, or "
            "delete the one that is there (if this stack made it, let it go first). To have both, declare it as a "
            f"resource of its own, and either take it over as it is, with `pulumi import {token} NAME {import_id}`, "
            "or let the stack overwrite it by saying `adopt: true` there."
        )


class InvalidArguments(ProviderError): ...


class Rejected(ProviderError): ...


class StaleState(ProviderError):
    def __init__(self, token: str, why: str) -> None:
        super().__init__(
            f"the state of this {token} was written by another version of the provider, and can't be read ({why}). "
            "`pulumi refresh` writes it anew from what is there; after that, run the same again."
        )


class LocalFile(ProviderError): ...
