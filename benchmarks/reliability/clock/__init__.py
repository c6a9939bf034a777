"""A jump of the server's clock, there and back: what becomes of runs, schedules and services.

`python -m benchmarks.reliability.clock`. docs/reliability.md.
"""
