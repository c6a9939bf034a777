"""Edits that somebody made on the server, written into the files that declare what was edited. Nothing is called."""

from __future__ import annotations

from infra.adoption.ui_edits.adopting import Adoption, adopted
from infra.adoption.ui_edits.edits import REMOVED, Edit, Left
from infra.adoption.ui_edits.selecting import matches

__all__ = ["REMOVED", "Adoption", "Edit", "Left", "adopted", "matches"]
