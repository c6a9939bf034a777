"""What `stack new` is asked for: all that is wrong with it, before anything is made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.throwaway.lifetime import Lifetime
from infra.throwaway.note import Note
from infra.throwaway.request import Request, areas_asked_for

LIFE = Lifetime.of("8h", datetime(2026, 11, 25, 18, 30, tzinfo=UTC))


@pytest.fixture
def request_(root: Path) -> Request:
    return Request(root, "ana", "dev", "8h", ("compras",))


def test_a_sound_one_has_no_fault_and_is_called_after_its_base(request_: Request) -> None:
    assert request_.faults({}) == []
    assert request_.stack == "dev-ana"
    assert replace(request_, name="dev-ana").stack == "dev-ana"
    assert replace(request_, base="prod").stack == "prod-ana"


def test_all_faults_are_told_at_once(root: Path) -> None:
    told = "\n".join(Request(root, "Añadir_Pedidos", "dev", "40d", ("compra",)).faults({}))

    assert "such as anadir-pedidos" in told
    assert "no area 'compra': did you mean 'compras'?" in told
    assert "1 minute to 30 days" in told


@pytest.mark.parametrize("name", ["", "-ana", "ana-", "a--b", "ana ana", "ANA", "../dev", "ñandú"])
def test_names_that_no_container_could_have_are_refused(request_: Request, name: str) -> None:
    assert any("small letters" in fault for fault in replace(request_, name=name).faults({}))


def test_a_name_too_long_for_a_host_is_refused(request_: Request) -> None:
    assert replace(request_, name="a" * 24).faults({}) == []
    [fault] = replace(request_, name="a" * 25).faults({})
    assert "too long by 1" in fault


def test_a_base_that_is_not_there_or_not_sound_is_told_with_its_line(request_: Request, root: Path) -> None:
    assert "did you mean 'dev'?" in replace(request_, base="dve").faults({})[0]
    (root / "Pulumi.dev.yaml").write_text("config:\n  prefect-infra:environment: dev\n  prefect-infra:timezone: UTC\n")
    assert "Pulumi.dev.yaml:3" in request_.faults({})[0]


def test_a_server_of_others_is_no_place_to_throw_away_from(request_: Request, root: Path) -> None:
    path = root / "Pulumi.dev.yaml"
    elsewhere = (
        "prefect-infra:server: {api_url: http://127.0.0.1:1/api}\n"
        "  prefect-infra:code: {location: git, repository: https://git.example.com/flujos.git, branch: main}"
    )
    path.write_text(re.sub(r"prefect-infra:server: .*", elsewhere, path.read_text()))

    assert "server of others" in "\n".join(request_.faults({}))


def test_a_name_that_would_find_another_base_is_refused(request_: Request, root: Path) -> None:
    (root / "Pulumi.dev-ana.yaml").write_text("config: {prefect-infra:timezone: America/Santiago}\n")

    assert any("Pulumi.dev-ana.yaml" in fault for fault in replace(request_, name="ana-pruebas").faults({}))


def test_somebodys_own_stack_is_never_taken_over(request_: Request, root: Path) -> None:
    (root / "Pulumi.dev-ana.yaml").write_text("config: {prefect-infra:timezone: America/Santiago}\n")

    assert any("no throwaway stack's" in fault for fault in request_.faults({}))


def test_another_checkouts_stack_of_the_name_is_in_the_way_and_ones_own_is_not(request_: Request, root: Path) -> None:
    """They would be the same containers."""
    elsewhere = Note("dev-ana", "dev", root / "otro", LIFE)

    [fault] = request_.faults({"dev-ana": elsewhere})
    assert str(root / "otro") in fault
    assert request_.faults({"dev-ana": replace(elsewhere, checkout=root)}) == []


def test_areas_are_named_by_commas_or_one_by_one() -> None:
    assert areas_asked_for(["compras,ventas", "finanzas", " compras "]) == ("compras", "ventas", "finanzas")
