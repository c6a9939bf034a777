"""Starts a worker by a path: started as a module, its package would have to lie where flows find theirs."""

import sys

from workers.draining.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
