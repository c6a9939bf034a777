"""The decision for every request of a docker-type worker: what it may become, or why not. Pure: it asks nobody.

Nothing of the request's address is sent on as it came. Paths and queries are put together anew from values that
matched, so an encoded slash or an unknown option cannot mean one thing here and another to the engine.
"""

import json
import re
from collections.abc import Callable, Mapping

from workers.socket_proxy.creation import Refused, allowed_container
from workers.socket_proxy.request import NAME, Forward, Request, checked_query
from workers.socket_proxy.rules import Rules

# For each thing that may be done to one's own container: the query options it has, and what they may look like.
_FLAG = r"0|1|true|false|True|False"
_MOMENT = r"[0-9]{1,12}(\.[0-9]{1,9})?"
OWN_CONTAINER: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("GET", "json"): {"size": _FLAG},
    ("GET", "logs"): {
        "follow": _FLAG,
        "stdout": _FLAG,
        "stderr": _FLAG,
        "timestamps": _FLAG,
        "tail": r"all|[0-9]{1,9}",
        "since": _MOMENT,
        "until": _MOMENT,
    },
    ("POST", "start"): {},
    ("POST", "wait"): {"condition": r"not-running|next-exit|removed"},
    ("POST", "stop"): {"t": r"[0-9]{1,5}", "signal": r"[A-Z0-9]{1,12}"},
    ("POST", "kill"): {"signal": r"[A-Z0-9]{1,12}"},
    ("DELETE", ""): {"v": _FLAG, "force": _FLAG, "link": r"0|false|False"},
}


def decide(request: Request, rules: Rules) -> Forward:
    """What the request becomes; raises Refused, the rule for all that is not named here."""
    decisions: list[tuple[str, str, Callable[[Request, Rules, re.Match[str]], Forward]]] = [
        ("GET|HEAD", r"/(_ping|version)", _about_the_engine),
        ("POST", r"/containers/create", _create),
        ("GET", r"/images/(.+)/json", _inspect_image),
        ("POST", r"/images/create", _pull),
        ("GET|POST", rf"/containers/({NAME})/([a-z]+)", _own_container),
        ("DELETE", rf"/containers/({NAME})()", _own_container),
    ]
    for methods, pattern, decision in decisions:
        match = re.fullmatch(pattern, request.path)
        if match and request.method in methods.split("|"):
            return decision(request, rules, match)
    raise Refused(f"{request.method} {request.path} is not among the calls that a docker-type worker needs")


def _about_the_engine(request: Request, rules: Rules, match: re.Match[str]) -> Forward:
    del rules
    return Forward(method=request.method, path=f"{request.version}/{match[1]}")


def _create(request: Request, rules: Rules, match: re.Match[str]) -> Forward:
    del match
    query = checked_query(request, {"name": NAME})
    if "name" in query:
        query["name"] = f"{rules.name_prefix}{query['name']}"
    body = json.dumps(allowed_container(request.body, rules)).encode()
    return Forward(method="POST", path=f"{request.version}/containers/create", query=query, body=body)


def _inspect_image(request: Request, rules: Rules, match: re.Match[str]) -> Forward:
    if not rules.allows(match[1]):
        raise Refused(f"the image {match[1]!r} is not one of {', '.join(sorted(rules.images))}")
    return Forward(method="GET", path=f"{request.version}/images/{match[1]}/json")


def _pull(request: Request, rules: Rules, match: re.Match[str]) -> Forward:
    del match
    query = checked_query(request, {"fromImage": r".+", "tag": r".*"})
    repository, tag = query.get("fromImage", ""), query.get("tag", "")
    reference = repository if not tag else f"{repository}{'@' if ':' in tag else ':'}{tag}"
    if not rules.pull:
        raise Refused(f"pulling {reference} is not allowed: this stack brings its images itself")
    if reference not in rules.images:
        raise Refused(f"the image {reference!r} is not one of {', '.join(sorted(rules.images))}")
    return Forward(
        method="POST", path=f"{request.version}/images/create", query={"fromImage": reference}, registry_auth=True
    )


def _own_container(request: Request, rules: Rules, match: re.Match[str]) -> Forward:
    del rules
    container, action = match.groups()
    options = OWN_CONTAINER.get((request.method, action))
    if options is None:
        raise Refused(f"{request.method} {request.path} is not among the calls that a docker-type worker needs")
    return Forward(
        method=request.method,
        path=f"{request.version}/containers/{{id}}" + (f"/{action}" if action else ""),
        query=checked_query(request, options),
        container=container,
    )
