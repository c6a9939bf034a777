"""The certificate authorities that this machine trusts beyond the usual ones, for images to trust them too."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.DOTALL)
_LOCAL = Path("/usr/local/share/ca-certificates")
_USUAL = Path("/usr/share/ca-certificates")
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def extra_authorities(
    environ: Mapping[str, str] | None = None, local: Path = _LOCAL, usual: Path = _USUAL
) -> tuple[bytes, ...]:
    """Each as one PEM block, sorted: those an administrator added, and those of the bundles that variables point to."""
    env = os.environ if environ is None else environ
    bundles = {Path(env[name]) for name in _BUNDLE_VARIABLES if env.get(name)}
    sources = [*local.rglob("*.crt"), *(bundle for bundle in bundles if bundle.is_file())]
    found = {block for source in sources for block in _blocks(source)}
    known = {block for source in usual.rglob("*.crt") for block in _blocks(source)}
    return tuple(sorted(found - known))


def _blocks(path: Path) -> list[bytes]:
    return [block.replace(b"\r", b"") + b"\n" for block in _PEM.findall(path.read_bytes())]
