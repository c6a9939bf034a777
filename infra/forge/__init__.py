"""Comments and issues where the repository is hosted: one of each kind, found by its mark and updated in place."""
