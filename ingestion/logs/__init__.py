"""Request logs, outcomes and revenue from files of any shape, by a mapping (``docs/request-logs.md``)."""

from ingestion.logs.errors import LogFileError
from ingestion.logs.importer import FileResult, ImportResult, import_files, matching_files, pending_files
from ingestion.logs.mapping import FileSource, Mapping, parse_mapping

__all__ = [
    "FileResult",
    "FileSource",
    "ImportResult",
    "LogFileError",
    "Mapping",
    "import_files",
    "matching_files",
    "parse_mapping",
    "pending_files",
]
