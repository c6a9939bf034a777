"""What `prefect-infra check` found, in the form that whoever reads it understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from infra.cli.reporting import github, plain, sarif
from infra.cli.reporting.checked import Checked

__all__ = ["FORMATS", "Checked"]

FORMATS: Final[Mapping[str, Callable[[Checked], str]]] = {
    "json": plain.as_json,
    "sarif": sarif.as_sarif,
    "github": github.as_commands,
}
"""Those that are one text, whole at the end. `text` is for people, and told stack by stack."""
