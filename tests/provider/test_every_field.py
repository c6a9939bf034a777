"""Every field of every kind on the server: it can be set, an edit by somebody else is seen, mended, and it clears."""

from __future__ import annotations

from typing import Any

import pytest

from infra.provider.kinds import KINDS
from infra.provider.kinds.kind import HOW_TO_ACT
from tests.provider.fields import SUBJECTS, edited, filled

pytestmark = pytest.mark.server
LOCAL = {"Profile", "HostPort", "GeneratedSecret", "LocalCertificate", "PidsLimit", "CompletedRun", "HandedOver"}
LOCAL |= {"PushedImage", "SwarmService", "NodeVolume", "NodeImage", "EncryptionCheck"}
"""They live on this machine, or in the state: each has a file of tests."""
STAYS = {("WorkQueue", "priority")}
"""What the server goes on with when it is taken out of the program."""


def test_every_field_of_every_kind_is_looked_at() -> None:
    fields = {
        kind.token.rsplit(":", 1)[-1]: set(kind.inputs.model_fields)
        - HOW_TO_ACT
        - {*kind.identity}
        - {*kind.replaced_by}
        for kind in KINDS
    }
    looked_at = {name: {*subject.fields} | ({*subject.elsewhere} & fields[name]) for name, subject in SUBJECTS.items()}
    assert {name: fields[name] for name in fields.keys() - LOCAL} == looked_at


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, it in SUBJECTS.items() for name in it.fields])
async def test_it_can_be_set_is_seen_when_changed_outside_is_mended_and_clears(
    engine: Any, client: Any, unique: str, kind: str, name: str
) -> None:
    subject, case = SUBJECTS[kind], SUBJECTS[kind].fields[name]
    names = {"name": f"{unique}-o", "pool": unique}
    if "{pool}" in str(subject):
        for pool in (unique, f"{unique}-2"):
            await engine.up("WorkPool", pool, {"name": pool, "type": "process"})
    base = filled({**subject.base, **case.beside}, names)
    declared = {**base, name: filled(case.value, names)}
    resource = await engine.up(kind, "r", base)
    id_ = resource.id
    bare = (await engine.import_(kind, "bare", id_)).values
    assert (await engine.up(kind, "r", declared)).steps[0].startswith(f"update {name}")
    assert await engine.refresh(resource) == []

    await edited(client, filled(subject.path, {**names, "id": id_}), subject, case, name, names)
    drift = await engine.refresh(resource)
    assert drift
    assert all(path.startswith(name) for path in drift), drift

    await engine.up(kind, "r", declared)
    assert await engine.refresh(resource) == []
    cleared = base if case.none is None else {**base, name: case.none}
    await engine.up(kind, "r", cleared)
    assert await engine.refresh(resource) == []
    assert (await engine.up(kind, "r", cleared)).steps == ["same"]
    assert resource.id == id_
    # A refresh may hold the server's answer against what it answered before: who looks for the first time sees it.
    if (kind, name) not in STAYS:
        assert (await engine.import_(kind, "cleared", id_)).values.get(name) == bare.get(name)
