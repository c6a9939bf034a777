"""Fixtures of whatever prod a folder's `prod` is: conftest.py takes them over by importing them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.stack.platforms import Platform
from tests.stack.secured import signed_in


@pytest.fixture(scope="module")
def outputs(prod: Platform) -> dict[str, Any]:
    return prod.outputs()


@pytest.fixture(scope="module")
def trusting(outputs: dict[str, Any]) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=outputs["ca_certificate"])


@pytest.fixture
def api(outputs: dict[str, Any], trusting: ssl.SSLContext) -> Iterator[httpx.Client]:
    """Of prod, as the two fixtures before it."""
    with signed_in(outputs, trusting) as client:
        yield client
