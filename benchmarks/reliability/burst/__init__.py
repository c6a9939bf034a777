"""One burst of short flow runs over many areas, all faults in turn while it lasts, and the same burst without any.

`python -m benchmarks.reliability.burst`. docs/reliability.md.
"""
