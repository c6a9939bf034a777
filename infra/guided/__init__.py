"""A deployment asked for, by questions or options, and put into a stack file."""
