"""What the set-up installs, pinned. Changing one line here changes the key of what is cached."""

from __future__ import annotations

Version = tuple[int, ...]

PYTHON_MINIMUM: Version = (3, 11)

# The machine's own CLI is used from here on; `requiredPulumiVersion` in Pulumi.yaml says the same.
PULUMI_MINIMUM: Version = (3, 230, 0)
PULUMI_LIMIT: Version = (4, 0, 0)
# Built where the machine has none: the newest CLI published as a Go module, and the last language host that was.
PULUMI_BUILT = "3.250.0"
LANGUAGE_HOST_BUILT = "3.79.0"
# The newest published as a Go module that is older than that CLI; built with the Pulumi modules that it names itself.
YAML_LANGUAGE_BUILT = "1.32.0"

# Holds .github/workflows against what GitHub takes; tests alone need it.
ACTIONLINT = "1.7.12"

# Of the pulumi_docker SDK in requirements.lock: the engine asks for the plugin of the same version.
DOCKER_PLUGIN = "5.2.0"

# The `go` line of the modules under go/: older ones refuse to build them.
GO_MINIMUM: Version = (1, 25, 11)
GO_WHEEL = "1.26.6"

DEBIAN_SUITE = "bookworm"
# Debian's own Python on that suite, so that both kinds of base image run the same one.
IMAGE_PYTHON = "3.11"
PULLED_BASE = f"docker.io/library/python:{IMAGE_PYTHON}-slim-{DEBIAN_SUITE}"


def parse_version(text: str) -> Version:
    """The leading numbers of a version: `v3.250.0-dev` and `go1.26.8` give (3, 250, 0) and (1, 26, 8)."""
    numbers: list[int] = []
    for part in text.strip().lower().removeprefix("go").removeprefix("v").split("."):
        digits = ""
        for char in part:
            if not char.isdigit():
                break
            digits += char
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def spell(version: Version) -> str:
    return ".".join(map(str, version))
