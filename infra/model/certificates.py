"""A given certificate, its key and its authority: whether browsers and clients will be content with them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

Part: TypeAlias = Literal["certificate", "key", "authority"]
SOON: Final = timedelta(days=21)
_FULL_CHAIN: Final = "the server's own first, then who signed it, and so on: fullchain.pem"


@dataclass(frozen=True)
class Fault:
    part: Part
    message: str
    hint: str
    weight: Literal["unusable", "soon"] = "unusable"


def faults(certificate: str, key: str, authority: str | None, host: str, now: datetime) -> Iterator[Fault]:
    """What is wrong with them. `host`: the name that people reach the server by."""
    chain = _certificates(certificate)
    if isinstance(chain, str):
        yield Fault("certificate", chain, f"give {_FULL_CHAIN}")
    else:
        yield from _of_chain(chain, now)
        yield from _of_host(chain[0], host)
    yield from _of_key(key, chain)
    if authority is None:
        return
    roots = _certificates(authority)
    if isinstance(roots, str):
        yield Fault("authority", roots, "give the authority's own certificate")
        return
    yield from _of_roots(roots, now)
    if not isinstance(chain, str) and not _in_order_until(chain) and not any(_leads_to(chain[-1], r) for r in roots):
        names = ", ".join(_name(root.subject) for root in roots)
        message = f"the chain ends with {_name(chain[-1].subject)} by {_name(chain[-1].issuer)}, not by {names}"
        yield Fault("certificate", message, f"give those in between, too: {_FULL_CHAIN}; or another `authority`")


def _certificates(pem: str) -> list[x509.Certificate] | str:
    """Or what is wrong, in words."""
    if "-----BEGIN CERTIFICATE-----" not in pem:
        kept = re.search(r"-----BEGIN ([A-Z ]+)-----", pem)
        return f"it holds a {kept[1].lower()}" if kept else "it holds no certificate as PEM"
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return "it holds a certificate that can't be read"


def _of_chain(chain: Sequence[x509.Certificate], now: datetime) -> Iterator[Fault]:
    for certificate in chain:
        yield from _of_dates(certificate, "certificate", now)
    if wrong := _in_order_until(chain):
        former, next_ = chain[wrong - 1], chain[wrong]
        message = (
            f"certificate {wrong} is {_name(former.subject)} by {_name(former.issuer)}, "
            f"and the one after it is {_name(next_.subject)}"
        )
        yield Fault("certificate", message, _FULL_CHAIN)


def _of_dates(certificate: x509.Certificate, part: Part, now: datetime) -> Iterator[Fault]:
    name, until = _name(certificate.subject), certificate.not_valid_after_utc
    renew = "set the renewed one, with its key, by `pulumi config set --secret`"
    if until < now:
        yield Fault(part, f"{name} expired on {until:%Y-%m-%d %H:%M} UTC", renew)
    elif certificate.not_valid_before_utc > now:
        since = certificate.not_valid_before_utc
        yield Fault(part, f"{name} isn't good before {since:%Y-%m-%d %H:%M} UTC", "see whether the clock is right")
    elif until - now < SOON:
        yield Fault(part, f"{name} expires on {until:%Y-%m-%d %H:%M} UTC", renew, "soon")


def _in_order_until(chain: Sequence[x509.Certificate]) -> int | None:
    """The first that didn't sign the one before it; None: all did."""
    return next((at for at in range(1, len(chain)) if not _signed(chain[at - 1], chain[at])), None)


def _leads_to(last: x509.Certificate, root: x509.Certificate) -> bool:
    return last == root or _signed(last, root)


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _of_host(certificate: x509.Certificate, host: str) -> Iterator[Fault]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        yield Fault("certificate", "it names no host as its alternative name", f"have one made for {host}")
        return
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    try:
        fits = ipaddress.ip_address(host.strip("[]")) in addresses
    except ValueError:
        fits = any(_fits(host.lower(), name.lower()) for name in hosts)
    if not fits:
        told = ", ".join([*hosts, *map(str, addresses)]) or "no host"
        hint = "say `proxy.host` as in the certificate, or have one made for it"
        yield Fault("certificate", f"it is for {told}, and people reach the server by {host}", hint)


def _fits(host: str, name: str) -> bool:
    """A star stands for one part of a name, the first."""
    return host == name or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def _of_key(pem: str, chain: list[x509.Certificate] | str) -> Iterator[Fault]:
    if "-----BEGIN CERTIFICATE-----" in pem and "PRIVATE KEY-----" not in pem:
        yield Fault("key", "it holds a certificate", "give the private key: privkey.pem")
        return
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        yield Fault("key", "it has a passphrase, which nobody is there to enter", "`openssl pkey -in KEY` takes it off")
        return
    except ValueError:
        yield Fault("key", "it holds no private key as PEM", "give the private key: privkey.pem")
        return
    if isinstance(chain, str):
        return
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(*form)
    fitting = [at for at, each in enumerate(chain) if each.public_key().public_bytes(*form) == public]
    if not fitting:
        yield Fault("key", f"it is not the key of {_name(chain[0].subject)}", "set both anew, from the same renewal")
    elif fitting[0]:
        message = f"the key's own certificate is number {fitting[0] + 1}, and has to be the first"
        yield Fault("certificate", message, _FULL_CHAIN)


def _of_roots(roots: Sequence[x509.Certificate], now: datetime) -> Iterator[Fault]:
    for root in roots:
        yield from _of_dates(root, "authority", now)
        try:
            may_sign = root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            may_sign = False
        if not may_sign:
            yield Fault("authority", f"{_name(root.subject)} is no authority", "give the authority's own certificate")


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return f"“{str(common[0].value) if common else name.rfc4514_string() or 'without a name'}”"
