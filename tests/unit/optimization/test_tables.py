"""What optimization lands is what the landing contract expects."""

from __future__ import annotations

from ingestion.records import STREAMS
from optimization.run import TOPICS
from optimization.tables import SCHEMAS


def test_the_schemas_are_those_of_the_landing_contract() -> None:
    """The package does not import ingestion, so its own schemas must not drift from the records."""
    assert {table for table, schema in SCHEMAS.items() if not schema.equals(STREAMS[table].schema)} == set()


def test_each_stream_is_landed_by_one_topic() -> None:
    """A stream that two topics land would be replaced by each of them in turn."""
    assert sorted(stream for topic in TOPICS for stream in topic.streams) == sorted(SCHEMAS)
