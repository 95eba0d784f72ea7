"""Guards of the door: one Great Expectations suite for each raw table, and for the marts that people read most."""

from ingestion.expectations.docs import build_data_docs
from ingestion.expectations.engine import admit, admit_logs, profile_logs, validate, validate_mart
from ingestion.expectations.profiles import profile_sql
from ingestion.expectations.report import Finding, ValidationReport

__all__ = [
    "Finding",
    "ValidationReport",
    "admit",
    "admit_logs",
    "build_data_docs",
    "profile_logs",
    "profile_sql",
    "validate",
    "validate_mart",
]
