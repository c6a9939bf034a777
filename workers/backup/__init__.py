"""Backups of a server's database on SQLite, while it is in use: made, checked, kept for a while, put back."""
