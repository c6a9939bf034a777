"""What a throwaway stack is, whatever its base says: it disturbs nothing, and nothing keeps it."""

from __future__ import annotations

from infra.model.stack import Area, Deployment, Profile, Stack

LOOPBACK = "127.0.0.1"


def harmless(stack: Stack) -> Stack:
    """The stack with a port and a profile of its own, without runs that nobody asked for, and free to be destroyed.

    Backups would outlast it, and in a folder they would lie among the base's.
    """
    server = stack.server.model_copy(update={"port": "auto", "bind": LOOPBACK, "address": LOOPBACK, "protect": False})
    if server.scaled is not None:
        # Without the base's certificate, which is for another name.
        proxy = server.scaled.proxy.model_copy(update={"host": LOOPBACK, "http_port": None, "tls": None})
        server = server.model_copy(update={"scaled": server.scaled.model_copy(update={"proxy": proxy})})
    return stack.model_copy(
        update={
            "server": server,
            "backup": None,
            "profiles": (_profile(stack),),
            "areas": tuple(_without_schedules(area) for area in stack.areas),
        }
    )


def profile_name(project: str, stack: str) -> str:
    return f"{project}-{stack}"


def _profile(stack: Stack) -> Profile:
    """One, as the base's names may be the base's own: with the settings of its first, and never made active."""
    settings = stack.profiles[0].settings if stack.profiles else {}
    return Profile(name=profile_name(stack.project, stack.stack), activate=False, settings=settings)


def _without_schedules(area: Area) -> Area:
    return area.model_copy(update={"deployments": tuple(map(_by_hand, area.deployments))})


def _by_hand(deployment: Deployment) -> Deployment:
    schedules = tuple(each.model_copy(update={"active": False}) for each in deployment.schedules)
    return deployment.model_copy(update={"schedules": schedules})
