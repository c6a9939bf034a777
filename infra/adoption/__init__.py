"""Ways in: what another scheduler runs, turned into deployments of a stack file. Nothing is called, nothing is run."""

from __future__ import annotations

from infra.adoption.drafts import Draft, FlowFile, Imported, Remark, SourceFaults

__all__ = ["Draft", "FlowFile", "Imported", "Remark", "SourceFaults"]
