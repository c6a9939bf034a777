"""The HTTP side: asks the policy, asks the engine whose a container is, sends on, streams the answer back."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from workers.socket_proxy.creation import Refused
from workers.socket_proxy.policy import decide
from workers.socket_proxy.request import Forward, Request
from workers.socket_proxy.rules import Rules
from workers.socket_proxy.scaling import ScalingRules
from workers.socket_proxy.sweep import sweep_at_the_end, sweep_for_ever

logger = logging.getLogger("socket_proxy")

# A flow run's description is a few kilobytes; its environment, the longest part, is bounded by the kernel anyway.
MAX_BODY_BYTES = 512 * 1024
# Waiting for a container and following its logs last as long as the flow run.
TIMEOUT = httpx.Timeout(connect=10, write=60, pool=None, read=None)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class _NoSuchContainerError(Exception):
    """The engine knows none of that name."""


def make_app(
    rules: Rules | ScalingRules, transport: httpx.AsyncBaseTransport, is_last: Callable[[], bool] = lambda: True
) -> Starlette:
    """The proxy; `transport` leads to the engine. `is_last`: asked at its end, whether no other has followed it."""
    engine = httpx.AsyncClient(base_url="http://engine", transport=transport, timeout=TIMEOUT)

    async def answer(http: HttpRequest) -> Response:
        try:
            request = await _read(http)
            forward = decide(request, rules) if isinstance(rules, Rules) else rules.decide(request)
            path = await _own_path(engine, forward, rules) if forward.container else forward.path
            return await _send(engine, forward, path, http)
        except Refused as refusal:
            logger.warning("Refused: %s", refusal)
            return JSONResponse({"message": f"refused by the socket proxy: {refusal}"}, HTTPStatus.FORBIDDEN)
        except _NoSuchContainerError as missing:
            return JSONResponse({"message": str(missing)}, HTTPStatus.NOT_FOUND)
        except httpx.HTTPError as error:
            logger.exception("The Docker engine does not answer")
            message = f"the Docker engine does not answer the socket proxy: {type(error).__name__}: {error}"
            return JSONResponse({"message": message}, HTTPStatus.BAD_GATEWAY)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        async with engine:
            if not isinstance(rules, Rules):
                yield
                return
            sweeping = asyncio.create_task(sweep_for_ever(engine, rules))
            yield
            sweeping.cancel()
            if is_last():  # else a worker may be about to read how a run's container ended
                await sweep_at_the_end(engine, rules)

    return Starlette(routes=[Route("/{path:path}", answer, methods=METHODS)], lifespan=lifespan)


async def _read(http: HttpRequest) -> Request:
    match = re.fullmatch(r"(/v1\.\d{1,3})?(/.*)", http.scope["path"], re.DOTALL)
    if match is None:
        raise Refused(f"{http.method} {http.scope['path']} is not a path of the engine's API")
    version, path = match.groups("")
    query = dict(http.query_params)
    if len(query) != len(http.query_params.multi_items()):
        raise Refused(f"{http.method} {path}: an option is given twice")
    body = b""
    async for chunk in http.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(f"{http.method} {path}: the body is longer than {MAX_BODY_BYTES} bytes")
    return Request(method=http.method, version=version, path=path, query=query, body=body)


async def _own_path(engine: httpx.AsyncClient, forward: Forward, rules: Rules | ScalingRules) -> str:
    """The path with the full id of a container that is the proxy's own; names can change hands, ids don't."""
    response = await engine.get(f"/containers/{forward.container}/json")
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise _NoSuchContainerError(f"No such container: {forward.container}")
    found: dict[str, Any] = response.raise_for_status().json()
    if refusal := rules.refusal(forward.container or "", found["Config"]["Labels"] or {}):
        raise Refused(refusal)
    return forward.path.replace("{id}", found["Id"])


async def _send(engine: httpx.AsyncClient, forward: Forward, path: str, http: HttpRequest) -> Response:
    headers = {"content-type": "application/json"} if forward.body else {}
    if forward.registry_auth and (auth := http.headers.get("x-registry-auth")):
        headers["x-registry-auth"] = auth
    request = engine.build_request(
        forward.method, path, params=dict(forward.query), content=forward.body or None, headers=headers
    )
    response = await engine.send(request, stream=True)
    logger.log(
        logging.DEBUG if forward.method == "GET" else logging.INFO,
        *("%s %s: %d", forward.method, path, response.status_code),
    )
    kept = {
        key: response.headers[key]
        for key in ("content-type", "api-version", "docker-experimental", "ostype", "server")
        if key in response.headers
    }
    return StreamingResponse(
        response.aiter_raw(), response.status_code, headers=kept, background=BackgroundTask(response.aclose)
    )
