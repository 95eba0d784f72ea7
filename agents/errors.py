"""Errors that an agent can act on."""

from __future__ import annotations

from ingestion.errors import TokenAtlasError


class QueryRefusedError(TokenAtlasError):
    """The statement asks for more than reading published tables."""


class QueryLimitError(TokenAtlasError):
    """The query ran into its time, memory or size limit."""


class QueryFailedError(TokenAtlasError):
    """DuckDB cannot run the statement: a column that does not exist, a type that does not fit."""
