"""Throwaway stacks: a whole platform for a person or a pull request, which is meant to go again.

What there is of them is read from the Docker engine, which all checkouts of a machine share, and not from a checkout's
state: who collects what has expired need not be who made it, and the checkout may be gone by then.
"""
