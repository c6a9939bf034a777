"""Backups of a stack's database from outside, through the engine."""
