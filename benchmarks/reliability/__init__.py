"""A prod stack under load while its parts are killed, cut off and replaced: what becomes of the flow runs.

`python -m benchmarks.reliability` brings the stack up from a copy of the checkout, lets short runs become due all at
once, strikes a fault in the midst of them, and counts: runs lost, runs doubled, how long it took. docs/reliability.md.
"""
