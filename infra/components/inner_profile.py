"""A Prefect profile in a container: what lets its process in, where whoever asks the engine doesn't see it."""

from __future__ import annotations

import json


def inner_profile(name: str, **settings: str) -> str:
    """The file's text. A password may have what TOML has a meaning for; JSON writes that as TOML does."""
    lines = [f"{setting} = {json.dumps(value)}\n" for setting, value in settings.items()]
    return f'active = "{name}"\n\n[profiles.{name}]\n{"".join(lines)}'
