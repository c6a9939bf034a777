"""Areas in files of their own: the same as inline, with faults told where they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.discovery.uses import uses
from infra.model import Finding, StackErrors, load_stack, load_stack_file

COMPRAS = """\
# Compras
title: Compras
deployments:
  - name: importar-precios
    entrypoint: flows/precios.py:importar_precios
    parameters: {archivo: x.csv}
"""
STACK = "config:\n  prefect-infra:environment: dev\n  prefect-infra:areas:\n    compras: "


@pytest.fixture
def root(write: Callable[..., Path]) -> Path:
    folder = write(STACK + "areas/compras.yaml\n")
    (folder / "areas").mkdir()
    (folder / "areas" / "compras.yaml").write_text(COMPRAS, encoding="utf-8")
    return folder


def findings(root: Path, stack: str = "dev") -> tuple[Finding, ...]:
    with pytest.raises(StackErrors) as raised:
        load_stack_file(root, stack)
    return raised.value.findings


def test_an_areas_file_is_the_same_as_the_area_inline(root: Path, write: Callable[..., Path]) -> None:
    from_file = load_stack_file(root, "dev")
    write(STACK + "\n" + "".join(f"      {line}\n" for line in COMPRAS.splitlines()))

    assert load_stack_file(root, "dev") == from_file


def test_pulumis_values_lead_to_the_file_as_well(root: Path) -> None:
    values = {"environment": "dev", "areas": {"compras": "areas/compras.yaml"}}
    stack = load_stack(values, project="prefect-infra", stack="dev", root=root)

    assert stack == load_stack_file(root, "dev")


def test_a_stack_may_keep_keys_to_itself_beside_the_file(root: Path, write: Callable[..., Path]) -> None:
    write(STACK + "{file: areas/compras.yaml, concurrency_limit: 8}\n")
    (area,) = load_stack_file(root, "dev").areas

    assert (area.title, area.pool.concurrency_limit, len(area.deployments)) == ("Compras", 8, 1)


def test_a_key_in_both_places_is_told_where_the_stack_has_it(root: Path, write: Callable[..., Path]) -> None:
    write(STACK + "\n      file: areas/compras.yaml\n      title: Otra\n")
    (finding,) = findings(root)

    assert (finding.file, finding.line, finding.path) == ("Pulumi.dev.yaml", 6, "prefect-infra:areas.compras.title")
    assert "areas/compras.yaml" in finding.message


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("areas/comprs.yaml", "there is no file", "areas/compras.yaml"),
        ("areas", "must be a mapping, or the path", None),
        ("../compras.yaml", "leads out of the project", None),
        ("areas/../../compras.yaml", "leads out of the project", None),
        ("/etc/compras.yaml", "leads out of the project", None),
        ("C:/compras.yaml", "leads out of the project", None),
        ("areas\\compras.yaml", "has \\ in it", "areas/compras.yaml"),
        ("areas/fuera.yaml", "leads out of the project", None),
        ("areas/carpeta.yaml", "there is no file", None),
        ("'a\\0.yaml'", "must be a mapping, or the path", None),
    ],
)
def test_a_path_that_leads_to_no_areas_file_is_told(
    root: Path,
    write: Callable[..., Path],
    path: str,
    message: str,
    hint: str | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    outside = tmp_path_factory.mktemp("fuera") / "compras.yaml"
    outside.write_text("title: x\n")
    (root / "areas" / "fuera.yaml").symlink_to(outside)
    (root / "areas" / "carpeta.yaml").mkdir()
    write(STACK + (path.replace("'a\\0.yaml'", '"a\\0.yaml"')) + "\n")
    (finding,) = findings(root)

    assert (finding.file, finding.line, finding.column) == ("Pulumi.dev.yaml", 4, 14)
    assert message in finding.message
    assert (hint or "") in (finding.hint or "")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("title: Compras\nconcurrency_limit: ocho\n", 2, 20, "whole number"),
        ("titel: Compras\n", 1, 1, "no key 'titel'"),
        ("title: [\n", 2, 1, "no YAML"),
        ("title: a\ntitle: b\n", 2, 1, "stands twice"),
        ("- title\n", 1, 1, "must be a mapping"),
        ("env:\n  CLAVE: {secure: v1:x}\n", 2, 11, "a secret can't stand"),
        ("prefect-infra:areas: {}\n", 1, 1, "no key"),
        ("in:\n  prd: {title: x}\n", 2, 3, "no stack has the environment 'prd'"),
        ("deployments:\n  - name: a\n", 2, 5, "'entrypoint' is missing"),
    ],
)
def test_a_fault_is_told_by_its_place_in_the_areas_file(
    root: Path, text: str, line: int, column: int, message: str
) -> None:
    (root / "areas" / "compras.yaml").write_text(text, encoding="utf-8")
    told = [finding for finding in findings(root) if message in finding.message]

    assert [(finding.file, finding.line, finding.column) for finding in told] == [("areas/compras.yaml", line, column)]


def test_all_faults_of_all_files_are_told_at_once(root: Path, write: Callable[..., Path]) -> None:
    (root / "areas" / "compras.yaml").write_text("title: 5\n")
    (root / "areas" / "ventas.yaml").write_text("env: [\n")
    write(STACK + "areas/compras.yaml\n    ventas: areas/ventas.yaml\n  prefect-infra:timezone: UTC\n")

    assert [finding.file for finding in findings(root)] == [
        "Pulumi.dev.yaml",
        "areas/compras.yaml",
        "areas/ventas.yaml",
    ]


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"\xef\xbb\xbftitle: Compras\n"])
def test_an_areas_file_may_say_little(root: Path, content: bytes) -> None:
    (root / "areas" / "compras.yaml").write_bytes(content)

    assert load_stack_file(root, "dev").areas[0].title == "Compras"


def test_a_personal_stack_reads_the_areas_of_its_base_with_their_files(root: Path) -> None:
    (root / "Pulumi.dev-ana.yaml").write_text("config: {}\n")

    assert len(load_stack_file(root, "dev-ana").areas[0].deployments) == 1
    (root / "areas" / "compras.yaml").write_text("title: 5\n")
    assert [(each.file, each.line) for each in findings(root, "dev-ana")] == [("areas/compras.yaml", 1)]


def test_the_users_of_a_flow_are_found_in_area_files_as_each_environment_has_them(
    root: Path, write: Callable[..., Path]
) -> None:
    write(STACK.replace("dev", "prod") + "areas/compras.yaml\n", "prod")
    (root / "areas" / "compras.yaml").write_text(
        COMPRAS + "    only_in: [dev]\n  - name: otra\n    entrypoint: flows/precios.py:a\n"
        "    in: {prod: {entrypoint: 'flows/precios.py:b'}}\n"
    )
    found, unreadable = uses(root)

    assert {entrypoint: [use.stack for use in each] for entrypoint, each in found.items()} == {
        "flows/precios.py:importar_precios": ["dev"],
        "flows/precios.py:a": ["dev"],
        "flows/precios.py:b": ["prod"],
    }
    assert unreadable == []
    (root / "areas" / "compras.yaml").write_text("title: [\n")
    assert [file for file, _ in uses(root)[1]] == ["areas/compras.yaml"]
