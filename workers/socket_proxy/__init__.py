"""A narrow door between a docker-type worker and the host's Docker engine.

Whoever reaches the engine's socket owns the host: one container with `/` mounted is enough. A docker-type worker needs
only a handful of calls, so it is given this proxy instead: it may create containers of the images, the network, the
mounts and the sizes that the stack declares, and may watch and end those, and nothing else.

Who starts and stops workers is given another one, with a set of rules of its own.

    given     the rules, read once at the start: those of a worker, or those of who starts and stops workers
    rules     what the stack allows a worker
    creation  the one rich request: a container's description, rebuilt from what is allowed
    request   a request as it came, and what is sent on in its place
    policy    the decision for every request of a worker: refuse, or what to send on
    scaling   the rules and decisions for who starts and stops workers
    sweep     what becomes of ended containers
    app       the HTTP side: asks the policy, asks the engine who owns a container, streams the answer
    serving   the socket, which a successor may take over
"""
