"""The runtimes: what containers become on one engine, and what on a swarm."""
