"""The lake: what was received, kept as received. Append only, exactly once, safe to kill at any point."""

from ingestion.lake.entries import Load, LoadDay, Window
from ingestion.lake.store import Lake

__all__ = ["Lake", "Load", "LoadDay", "Window"]
