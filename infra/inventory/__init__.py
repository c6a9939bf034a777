"""What a Prefect server has: read over its API, page by page, and never written."""

from __future__ import annotations

from infra.inventory.reading import read_server

__all__ = ["read_server"]
