"""Somebody who asks a busy server again."""

from __future__ import annotations

import time

import httpx


class Patient(httpx.HTTPTransport):
    """A busy server on SQLite answers 503 now and then: what it didn't take is sent again."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for attempt in range(20):
            response = super().handle_request(request)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            response.close()
            time.sleep(0.1 * (attempt + 1))
        return response
