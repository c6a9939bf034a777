"""A narrow door between a docker-type worker and the host's Docker engine.

Whoever reaches the engine's socket owns the host: one container with `/` mounted is enough. A docker-type worker needs
only a handful of calls, so it is given this proxy instead: it may create containers of the images, the network, the
mounts and the sizes that the stack declares, and may watch and end those, and nothing else.

    rules     what the stack allows, read once at the start
    creation  the one rich request: a container's description, rebuilt from what is allowed
    policy    the decision for every request: refuse, or what to send on
    sweep     what becomes of ended containers
    app       the HTTP side: asks the policy, asks the engine who owns a container, streams the answer
"""
