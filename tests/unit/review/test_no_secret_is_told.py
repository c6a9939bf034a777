"""200 random plans with secrets planted in them, of which no review may show one."""

from __future__ import annotations

import io
import json
import string
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

from infra.model.credentials import looks_random
from infra.review import plan as plans
from infra.review.markdown import markdown
from infra.review.reviewing import Question, Side, review
from infra.review.table import table
from infra.review.terminal import lines
from tests.unit.review.plans import TYPES, preview, step

LETTERS = string.ascii_letters + string.digits
MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
WORDS = st.sampled_from(
    ["precios", "compras", "diario", "a b", "importar `todo`", "<b>", "| x |", "```", "@ana", "ñandú"]
)


def letters(size: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS, min_size=size, max_size=size)


ANY_SECRET = letters(20).filter(looks_random)
KNOWN = st.one_of(
    letters(36).map(lambda text: f"ghp_{text}"),
    letters(24).map(lambda text: f"pnu_{text}"),
    st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=16).map(lambda text: f"AKIA{text}"),
    letters(40).map(lambda text: f"sk-ant-{text}"),
)
SECRET_KEY = st.sampled_from(["password", "ERP_PASSWORD", "api_key", "clave", "access_token", "clientSecret"])


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, dict[str, Any], list[str]]:
    """A secret, inputs that hold it in one of the ways that it may come, and outputs that are secret as a whole."""
    way = draw(st.sampled_from(["marked", "output", "known", "key", "envs", "url", "text", "connection", "of a key"]))
    secret = draw(KNOWN if way in ("known", "text", "of a key") else ANY_SECRET)
    match way:
        case "marked":
            envelope = draw(st.sampled_from(["plaintext", "value"]))
            inputs: dict[str, Any] = {
                "value": {**MARK, envelope: json.dumps(secret) if envelope == "plaintext" else secret}
            }
        case "output":
            return secret, {"auth": secret}, ["auth"]
        case "known":
            inputs = {draw(WORDS): [draw(WORDS), {"k": secret}]}
        case "key":
            inputs = {"parameters": {draw(SECRET_KEY): secret}}
        case "envs":
            inputs = {"envs": [f"{draw(SECRET_KEY)}={secret}", "TZ=x"]}
        case "url":
            inputs = {"repository": f"https://ana:{secret}@git.example.com/flows.git"}
        case "connection":
            inputs = {"dsn": f"Server=db;User=ana;Password={secret};"}
        case "of a key":
            inputs = {"parameters": {secret: 1}}
        case _:
            inputs = {"description": f"{draw(WORDS)} {secret} {draw(WORDS)}"}
    return secret, inputs, []


@st.composite
def plan_with_secrets(draw: st.DrawFn) -> tuple[str, list[str]]:
    rows, secrets = [], []
    for number in range(draw(st.integers(1, 4))):
        before, old, hidden = draw(planted())
        after, new, hidden_too = draw(planted())
        op = draw(st.sampled_from(["create", "update", "replace", "delete"]))
        secrets += [before] * (op != "create") + [after] * (op != "delete")
        kind = draw(st.sampled_from(sorted(TYPES)))
        name = (
            draw(WORDS)
            + str(number)
            + (f"-{secrets[-1]}" if secrets[-1][:4] in ("ghp_", "pnu_") and draw(st.booleans()) else "")
        )
        row = step(op, kind, name, old if op != "create" else None, new if op != "delete" else None)
        row["detailedDiff"] = {key: {"kind": "update", "inputDiff": True} for key in {**old, **new}}
        for state in (row.get("oldState"), row.get("newState")):
            if state:
                state["additionalSecretOutputs"] = [*hidden, *hidden_too]
        rows.append(row)
    # Where one was marked, or is of a known form, it is hidden wherever else it stands.
    leaked = draw(st.sampled_from(secrets))
    told = [{"severity": "error", "message": f"could not log in with {leaked}"}]
    return preview(
        *rows, diagnostics=told, config={"prefect-infra:areas": json.dumps({"env": {"ERP_PASSWORD": leaked}})}
    ), secrets


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(plan_with_secrets())
def test_no_review_shows_a_secret_that_was_planted(given_: tuple[str, list[str]]) -> None:
    text, secrets = given_
    assume(all(len(set(secret)) > 6 for secret in secrets))

    made = review(
        Question(
            "dev", Path("/nowhere"), plans.read(text), Side(None), Side(None), "main", date(2026, 11, 25), max_deletes=0
        )
    )
    screen = io.StringIO()
    console = Console(file=screen, soft_wrap=True)
    for line in lines(made):
        console.print(line)

    for told in (markdown(made), json.dumps(table(made), ensure_ascii=False), screen.getvalue()):
        shown = [(secret, told[max(0, told.find(secret) - 60) :][:160]) for secret in secrets if secret in told]
        assert shown == []
