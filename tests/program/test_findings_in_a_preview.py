"""The rules inside the program: an error stops it before anything is made, a warning is Pulumi's own warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest


def named(name: str, **more: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        config["areas"]["compras"]["deployments"][0]["name"] = name
        config.update(more)

    return change


def test_an_error_stops_the_program_before_anything_is_made(program: Callable[..., Any]) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        program(change=named("prueba", timezone="zulu"))

    told = str(raised.value)
    assert "error PI301 prefect-infra:timezone" in told
    assert "error PI211 prefect-infra:areas.compras.deployments[0].name" in told
    assert "^^^^" in told


def test_a_warning_is_logged_and_the_program_goes_on(
    program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: logged.append(text))
    made = program(change=named("precios"))

    assert len(logged) == 1
    assert "warning PI218 prefect-infra:areas.compras.deployments[0].name" in logged[0]
    assert "precios" in made.of("Deployment")


def test_a_stack_without_findings_logs_nothing(program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: logged.append(text))
    program("prod", fresh=True)

    assert logged == []
