"""What the stack's small containers have in common: they go on until told to stop, and answer whether they are well.

`until_stopped` is of the standard library alone: an image of Postgres has no other. `rounds` is for those that look at
something every few seconds, by policies from their environment.
"""
