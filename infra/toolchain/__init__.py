"""The set-up: what a machine needs before `pulumi up` can run. Standard library only."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - here the older ones are turned away, before they meet what they can't read
    sys.exit(
        "Python 3.11 or newer is needed, and %s is %d.%d\n"  # noqa: UP031 - they know no other way
        "  fix: install a newer one and name it: make PYTHON=python3.12 …" % ((sys.executable, *sys.version_info[:2]))
    )
