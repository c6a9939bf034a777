"""Which certificate authorities the images get from the machine."""

from __future__ import annotations

from pathlib import Path

from infra.toolchain.base_image import tag_for
from infra.toolchain.certificates import extra_authorities


def _pem(name: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n"


def test_what_the_administrator_added_and_what_variables_point_to_is_taken_and_the_usual_ones_are_not(
    tmp_path: Path,
) -> None:
    local, usual, bundle = tmp_path / "local", tmp_path / "usual", tmp_path / "bundle.pem"
    (local / "deep").mkdir(parents=True)
    usual.mkdir()
    (local / "company.crt").write_text(_pem("company"))
    (local / "deep" / "proxy.crt").write_text("a comment\r\n" + _pem("proxy").replace("\n", "\r\n"))
    (local / "README").write_text(_pem("not a certificate's name"))
    (usual / "mozilla.crt").write_text(_pem("mozilla"))
    bundle.write_text(_pem("mozilla") + "# company\n" + _pem("company") + _pem("laptop"))
    environ = {
        "SSL_CERT_FILE": str(bundle),
        "PIP_CERT": str(bundle),
        "REQUESTS_CA_BUNDLE": "/nowhere",
        "CURL_CA_BUNDLE": "",
    }

    found = extra_authorities(environ, local, usual)

    assert found == tuple(_pem(name).encode() for name in ("company", "laptop", "proxy"))


def test_a_machine_without_any_has_none(tmp_path: Path) -> None:
    assert extra_authorities({}, tmp_path, tmp_path) == ()


def test_a_changed_authority_is_another_base_image() -> None:
    tags = {tag_for(authorities) for authorities in ((), (b"one",), (b"two",), (b"one", b"two"))}
    assert len(tags) == 4
    assert tag_for((b"one",)) in tags
