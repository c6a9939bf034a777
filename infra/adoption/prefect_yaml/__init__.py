"""A `prefect.yaml`: its deployments in a stack file's words, and a told reason for all that is left out."""

from __future__ import annotations

from infra.adoption.prefect_yaml.translate import Surroundings, translate

__all__ = ["Surroundings", "translate"]
