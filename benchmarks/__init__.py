"""How fast the provider is beside others at the same work: `python -m benchmarks --help`, docs/benchmarks.md."""
