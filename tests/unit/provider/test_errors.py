"""What becomes of an answer, of none, and of a broken one, against a real HTTP server on the loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest

from infra.provider.api import Api
from infra.provider.connection import Connection
from infra.provider.errors import (
    Conflict,
    LocalFile,
    NotFound,
    ProviderError,
    Rejected,
    Unauthorised,
    Unreachable,
)

CANARY = "canary-7f3a"
Answer = tuple[int, Any] | tuple[int, Any, str] | str
"""Status, body (not a text: JSON) and Retry-After, or what else happens: `close`, `half` (an answer), `hang`."""


@dataclass
class Script:
    """A server that answers as it was told, one answer after the other, the last one for ever."""

    url: str = ""
    answers: deque[Answer] = field(default_factory=deque)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    """When each request was there."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append((method, target, headers, body))
        self.moments.append(time.monotonic())
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        match answer:
            case "close":
                return False
            case "half":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
                await writer.drain()
                return False
            case "hang":
                await reader.read()  # until the client has had enough
                return False
            case (int(status), content, *wait):
                raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                if content is None:
                    raw = b""
                reason = {404: "Not Found", 307: "Temporary Redirect"}.get(status, "Whatever")
                later = f"retry-after: {wait[0]}\r\n" if wait else ""
                writer.write(f"HTTP/1.1 {status} {reason}\r\n{later}content-length: {len(raw)}\r\n\r\n".encode() + raw)
                await writer.drain()
                return True
        raise AssertionError(answer)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    script.url = f"http://{host}:{port}/api"
    yield script
    server.close()


@pytest.fixture
async def api(script: Script) -> AsyncIterator[Api]:
    api = Api(Connection(api_url=script.url, auth_string=f"admin:{CANARY}", headers={"X-Gate": CANARY}), deadline=2.5)
    yield api
    await api.close()


@pytest.fixture
async def patient(script: Script) -> AsyncIterator[Api]:
    """With as long as a busy machine may need for a few attempts."""
    api = Api(Connection(api_url=script.url), deadline=60)
    yield api
    await api.close()


Call = Callable[[Api], Awaitable[Any]]
BODY = {"name": "x", "data": {"password": CANARY}}
CALLS: dict[str, Call] = {
    "get": lambda api: api.get("a/b"),
    "find": lambda api: api.find("a/filter", BODY),
    "post": lambda api: api.post("a/b", BODY),
    "put": lambda api: api.put("a/b", BODY),
    "patch": lambda api: api.patch("a/b", BODY),
    "delete": lambda api: api.delete("a/b"),
}
each = pytest.mark.parametrize("call", sorted(CALLS))


BUSY: list[Answer] = [(503, {"exception_message": "busy"}), (429, "slow"), (502, ""), (504, "<html>"), (408, None)]


@each
@pytest.mark.thorough
@pytest.mark.parametrize("failure", [*BUSY, (425, "too early"), "close", "half"])
async def test_a_busy_or_vanishing_server_is_asked_again_until_it_answers(
    patient: Api, script: Script, call: str, failure: Answer
) -> None:
    script.answers.extend([failure] * 3 + [(200, [])])
    await CALLS[call](patient)
    assert len(script.requests) == 4
    assert len({(method, target, body) for method, target, _, body in script.requests}) == 1


@pytest.mark.thorough
async def test_the_waits_between_attempts_are_random_and_short_at_first(api: Api, script: Script) -> None:
    script.answers.append((503, None))
    with pytest.raises(Unreachable):
        await api.get("a")
    assert 4 <= len(script.requests) <= 25  # in 2.5 s: at first every few hundredths, at last every second


@pytest.mark.thorough
async def test_the_waits_between_attempts_grow_until_they_are_two_seconds(
    patient: Api, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: most)  # the longest that each may be
    script.answers.extend([(503, None)] * 8 + [(200, {})])
    await patient.get("a")
    waits = [later - earlier for earlier, later in pairwise(script.moments)]
    assert [wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2, 2), strict=True)] == [
        True
    ] * 8
    assert sum(waits[:4]) < waits[5]  # a busy machine makes each longer
    assert waits[7] < 3


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_says_how_long_to_wait_is_left_alone_that_long(
    api: Api, script: Script, status: int
) -> None:
    script.answers.extend([(status, None, "1"), (200, {})])
    began = time.monotonic()
    await api.get("a")
    assert 1 <= time.monotonic() - began < 2.4
    assert len(script.requests) == 2


async def test_a_server_that_wants_more_time_than_there_is_is_told_at_once(api: Api, script: Script) -> None:
    script.answers.append((503, {"detail": "maintenance"}, "Fri, 01 Jan 2100 00:00:00 GMT"))
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"maintenance; it asks to be left alone for \d+ s"):
        await api.get("a")
    assert time.monotonic() - began < 1
    assert len(script.requests) == 1


async def test_a_post_whose_answer_was_lost_is_not_repeated_where_it_was_done(api: Api, script: Script) -> None:
    async def made() -> Any:
        return await api.get_or_none("a/mine")

    script.answers.extend(["close", (200, {"id": "1"})])
    assert await api.post("a/", BODY, made) == {"id": "1"}
    assert [method for method, *_ in script.requests] == ["POST", "GET"]
    script.requests.clear()
    script.answers.clear()
    script.answers.extend(["half", (404, {"detail": "A not found"}), (201, {"id": "2"})])
    assert await api.post("a/", BODY, made) == {"id": "2"}
    assert [method for method, *_ in script.requests] == ["POST", "GET", "POST"]


ONCE: dict[str, tuple[Answer, type[ProviderError]]] = {
    "401": ((401, {"exception_message": "Unauthorized"}), Unauthorised),
    "401 of a gate that names Prefect": ((401, {"detail": "log in to Prefect"}), Unauthorised),
    "403": ((403, "<html>"), Unauthorised),
    "403 of a reserved name": ((403, {"detail": "Work pools starting with 'Prefect' are reserved"}), Rejected),
    "404": ((404, {"detail": "Flow not found"}), NotFound),
    "404 of a path that is none": ((404, {"detail": "Not Found"}), Rejected),
    "404 of another program": ((404, "<html>no such page</html>"), Rejected),
    "409": ((409, {"detail": "exists"}), Conflict),
    "422": ((422, {"exception_detail": [{"loc": ["body", "n"], "msg": "bad", "input": CANARY}]}), Rejected),
    "400": ((400, {"detail": "no"}), Rejected),
    "405": ((405, {"detail": "Method Not Allowed"}), Rejected),
    "307": ((307, None), Rejected),
    "a page instead of JSON": ((200, "<!DOCTYPE html>"), Rejected),
}


@pytest.mark.parametrize("case", sorted(ONCE))
@each
async def test_an_answer_that_will_not_change_is_told_at_once_by_its_kind(
    api: Api, script: Script, call: str, case: str
) -> None:
    answer, kind = ONCE[case]
    script.answers.append(answer)
    if kind is NotFound and call == "delete":
        await api.delete("a/b")  # nothing to delete: done
        return
    with pytest.raises(ProviderError) as told:
        await CALLS[call](api)
    assert type(told.value) is kind
    assert len(script.requests) == 1
    assert CANARY not in str(told.value)


async def test_a_server_that_fails_is_asked_a_few_times_only(api: Api, script: Script) -> None:
    script.answers.append((500, {"exception_message": "Internal Server Error"}))
    with pytest.raises(Unreachable, match=r"POST a/b: the Prefect server failed: .*its own log says why"):
        await api.post("a/b", BODY)
    assert len(script.requests) == 3


@pytest.mark.parametrize("answers", [[500, 503], [503, 429, 502, 500], [500, "close", 503, 500]])
async def test_a_failure_that_passes_is_no_failure(
    patient: Api, script: Script, answers: list[int | Literal["close"]]
) -> None:
    """However busy the server was before it: only failures count, by which it may be the request's fault."""
    script.answers.extend(answer if answer == "close" else (answer, None) for answer in answers)
    script.answers.append((201, {"id": "x"}))
    assert await patient.post("a/b", BODY) == {"id": "x"}
    assert len(script.requests) == len(answers) + 1


@each
@pytest.mark.thorough
@pytest.mark.parametrize("failure", [(503, {"exception_message": "database is locked"}), "close", "hang"])
async def test_the_deadline_holds_whatever_the_server_does(script: Script, call: str, failure: Answer) -> None:
    api = Api(Connection(api_url=script.url, auth_string=f"admin:{CANARY}"), deadline=0.6)
    script.answers.append(failure)
    began = time.monotonic()
    with pytest.raises(Unreachable) as told:
        await CALLS[call](api)
    assert 0.5 < time.monotonic() - began < 3
    assert str(told.value).startswith(f"{script.url}: ")
    assert ("database is locked" in str(told.value)) is (not isinstance(failure, str))
    assert CANARY not in str(told.value)
    await api.close()


async def test_a_server_that_has_answered_before_and_is_busy_gets_more_time(script: Script) -> None:
    api = Api(Connection(api_url=script.url), deadline=0.3, patience=10)
    script.answers.extend([(200, {"up": True}), (503, {"exception_message": "database is locked"})])
    await api.get("a")
    began = time.monotonic()

    async def busy_for_a_second() -> None:
        await asyncio.sleep(1)
        script.answers.append((201, {"id": "x"}))  # the last one is given from then on

    _, made = await asyncio.gather(busy_for_a_second(), api.post("a/b", BODY))
    assert made == {"id": "x"}
    assert time.monotonic() - began >= 1
    await api.close()


async def test_a_server_that_has_answered_before_and_is_gone_gets_no_more_time(unused_port: int) -> None:
    script = Script()
    script.answers.extend([(200, {"up": True}), "close"])
    server = await asyncio.start_server(script.serve, "127.0.0.1", unused_port)
    api = Api(Connection(api_url=f"http://127.0.0.1:{unused_port}/api"), deadline=0.5)
    await api.get("a")
    server.close()
    began = time.monotonic()
    with pytest.raises(Unreachable):
        await api.get("a")
    assert time.monotonic() - began < 30
    await api.close()


async def test_where_nobody_listens_it_is_told_after_the_deadline(unused_port: int) -> None:
    api = Api(Connection(api_url=f"http://127.0.0.1:{unused_port}/api"), deadline=0.3)
    with pytest.raises(Unreachable, match=rf"http://127.0.0.1:{unused_port}/api: GET a: .*does not answer"):
        await api.get("a")
    await api.close()


async def test_a_server_that_comes_up_late_is_waited_for(unused_port: int, script: Script) -> None:
    script.answers.append((200, {"up": True}))
    api = Api(Connection(api_url=f"http://127.0.0.1:{unused_port}/api"), deadline=10)
    asked = asyncio.create_task(api.get("a"))
    await asyncio.sleep(0.5)
    server = await asyncio.start_server(script.serve, "127.0.0.1", unused_port)
    assert await asked == {"up": True}
    await api.close()
    server.close()


@pytest.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"exception_detail": [{"loc": ["body", "n"], "msg": "bad", "input": CANARY}]}, r"\(422\): body.n: bad"),
        ({"exception_detail": [{"msg": "bad"}, {"loc": None, "msg": "worse"}, CANARY]}, r": bad; : worse"),
        ({"detail": "no such thing", "request_body": {"data": CANARY}}, "no such thing"),
        ({"detail": {"input": CANARY}}, "Whatever"),
        ([CANARY], "Whatever"),
        (CANARY, "Whatever"),
        (f"<html>{CANARY}</html>", "Whatever"),
    ],
)
async def test_the_servers_own_words_are_told_and_not_its_echo(api: Api, script: Script, body: Any, told: str) -> None:
    script.answers.append((422, json.dumps(body) if body == CANARY else body))
    with pytest.raises(Rejected, match=told) as refused:
        await api.post("a/b", BODY)
    assert CANARY not in str(refused.value)


async def test_deleting_what_is_gone_is_success_and_a_wrong_address_is_not(api: Api, script: Script) -> None:
    script.answers.extend([(404, {"detail": "Flow not found"}), (404, {"detail": "Not Found"})])
    await api.delete("a/b")
    with pytest.raises(Rejected, match="ends with /api"):
        await api.delete("a/b")


async def test_what_is_remembered_is_asked_once_and_a_failure_is_not_remembered(api: Api, script: Script) -> None:
    script.answers.extend([(409, {"detail": "x"}), (200, {"a": 1})])
    with pytest.raises(Conflict):
        await api.remembered("a")
    assert await asyncio.gather(*(api.remembered("a") for _ in range(5))) == [{"a": 1}] * 5
    assert len(script.requests) == 2


async def test_who_gives_up_waiting_spoils_it_for_nobody_else(api: Api, script: Script) -> None:
    script.answers.append((200, [{"id": "1"}]))
    listing = api.listing("a/filter", "id")
    for _ in range(3):  # the first few are asked for singly
        await listing.row("1", lambda: api.get_or_none("a/1"))
    asks: list[Callable[[], Awaitable[Any]]] = [
        lambda: api.remembered("a"),
        lambda: listing.row("1", lambda: api.get_or_none("never")),
    ]
    for ask in asks:
        hasty, patient = asyncio.ensure_future(ask()), asyncio.ensure_future(ask())
        await asyncio.sleep(0)
        hasty.cancel()
        assert await patient
        assert await ask()


async def test_names_that_mean_something_in_an_address_arrive_whole(api: Api, script: Script) -> None:
    script.answers.append((200, {}))
    await api.get("flows/name/¿qué? #1 100%25 a&b=c+d")
    assert script.requests[0][1] == "/api/flows/name/%C2%BFqu%C3%A9%3F%20%231%20100%2525%20a%26b%3Dc%2Bd"


async def test_pages_are_read_until_one_is_not_full(api: Api, script: Script) -> None:
    script.answers.extend([(200, [{"id": n} for n in range(200)]), (200, [{"id": 200}])])
    assert len(await api.find("a/filter", {"b": 1})) == 201
    assert [json.loads(body)["offset"] for *_, body in script.requests] == [0, 200]


BASIC = "Basic " + base64.b64encode(b"u:p:q").decode()


@pytest.mark.parametrize(
    ("properties", "environment", "url", "authorization"),
    [
        ({"api_url": "P"}, {}, "P", None),
        ({"api_url": "P", "auth_string": "u:p:q"}, {}, "P", BASIC),
        ({"api_url": "P", "api_key": "k"}, {}, "P", "Bearer k"),
        ({"api_url": "P", "auth_string": "u:p:q", "api_key": "k"}, {}, "P", BASIC),
        ({}, {"URL": "E"}, "E", None),
        ({}, {"URL": "E", "AUTH_STRING": "u:p:q"}, "E", BASIC),
        ({}, {"URL": "E", "KEY": "k"}, "E", "Bearer k"),
        ({}, {"URL": "E", "KEY": "k", "AUTH_STRING": "u:p:q"}, "E", BASIC),
        ({"api_url": None}, {"URL": "E", "AUTH_STRING": ""}, "E", None),
        # credentials of the environment are for the environment's server only
        ({"api_url": "P"}, {"URL": "E", "AUTH_STRING": "x:y", "KEY": "k"}, "P", None),
        ({"api_url": "P", "api_key": "k"}, {"URL": "E", "AUTH_STRING": "x:y"}, "P", "Bearer k"),
        # what the provider is given goes before what the environment says
        ({"auth_string": "u:p:q"}, {"URL": "E", "AUTH_STRING": "x:y"}, "E", BASIC),
        ({"api_key": "k"}, {"URL": "E", "KEY": "other"}, "E", "Bearer k"),
        ({"api_url": "P", "headers": {"Authorization": "Gate"}}, {}, "P", "Gate"),
    ],
)
async def test_which_server_and_which_credentials(
    script: Script, properties: dict[str, Any], environment: dict[str, str], url: str, authorization: str | None
) -> None:
    def full(text: Any) -> Any:
        return f"{script.url.removesuffix('/api')}/{text}/api" if text in {"P", "E"} else text

    connection = Connection.resolve(
        {key: full(value) if isinstance(value, str) else value for key, value in properties.items()},
        {f"PREFECT_API_{key}": full(value) for key, value in environment.items()},
    )
    assert connection.api_url == full(url)
    script.answers.append((200, {}))
    api = Api(connection)
    await api.get("x")
    await api.close()
    assert script.requests[0][1] == f"/{url}/api/x"
    assert script.requests[0][2].get("authorization") == authorization


def test_no_address_anywhere_is_told_with_the_ways_to_give_one() -> None:
    for environment in ({}, {"PREFECT_API_URL": ""}, {"PREFECT_API_KEY": CANARY}):
        with pytest.raises(Unreachable, match=r"api_url.*PREFECT_API_URL") as told:
            Connection.resolve({}, environment)
        assert CANARY not in str(told.value)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"api_url": ""}, Unreachable),
        ({"api_url": "127.0.0.1:4200/api"}, Unreachable),
        ({"api_url": "ftp://x/api"}, Unreachable),
        ({"api_url": "http://"}, Unreachable),
        ({"api_url": "http://[::1/api"}, Unreachable),
        ({"api_url": f"http://u:{CANARY}@x/api"}, Unauthorised),
        ({"api_url": "http://x/api", "api_key": f"{CANARY}\n"}, Unauthorised),
        ({"api_url": "http://x/api", "api_key": f"{CANARY}ñ"}, Unauthorised),
        ({"api_url": "http://x/api", "headers": {"X-Gate": f"{CANARY}\r\nX: y"}}, Unauthorised),
        ({"api_url": "https://x/api", "ca_file": "/no/such/file"}, LocalFile),
    ],
)
def test_what_no_request_can_be_made_with_is_refused_before_any_is(
    wrong: dict[str, Any], kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as told:
        Api(Connection(**wrong))
    assert CANARY not in str(told.value)


def test_a_certificate_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(LocalFile, match=r"ca\.pem.*ca_file"):
        Api(Connection(api_url="https://x/api", ca_file=str(tmp_path / "ca.pem")))


def test_a_connection_shows_no_credentials_of_its_own() -> None:
    connection = Connection(api_url="http://x/api", auth_string=f"u:{CANARY}", api_key=CANARY, headers={"X": CANARY})
    assert CANARY not in repr(connection)
