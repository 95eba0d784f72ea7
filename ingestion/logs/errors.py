"""What can be wrong with a whole log file."""

from __future__ import annotations

from ingestion.errors import TokenAtlasError


class LogFileError(TokenAtlasError):
    """A log file cannot be read at all: damaged, not of the format named, or without a mapped column."""
