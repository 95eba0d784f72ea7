"""``digest.csv``: who gets the weekly digest, of which team, and on which day."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, Parser
from ingestion.config.tables import Table, read_table

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")


@dataclass(frozen=True)
class DigestReader:
    """One person, or one list of people.

    Attributes:
        team: Only this team's numbers; None: everybody's.
        weekday: Of the week after: 0 is Monday.
        channel: Of ``alert_channels.csv``; None: the first one there that is mail.
    """

    recipient: str
    team: str | None
    weekday: int
    channel: str | None
    comment: str | None


def one_address(cell: str) -> str:
    """The cell, if it is one address.

    Raises:
        CellError: it is none, or several.
    """
    if not _ADDRESS.fullmatch(cell):
        raise CellError(f"{cell!r} is not one e-mail address", "write one such as finops@acme.example on each line")
    return cell


def _weekday(cell: str) -> int:
    return WEEKDAYS.index(cells.choice(*WEEKDAYS)(cell.lower())) if cell else 0


READER_COLUMNS: Mapping[str, Parser] = {
    "recipient": one_address,
    "team": cells.text,
    "weekday": _weekday,
    "channel": cells.text,
    "comment": cells.text,
}


def read_digest_readers(folder: Path) -> Table[DigestReader]:
    """The readers; one line at most for each recipient and team."""
    table = read_table(
        folder / "digest.csv",
        dict(READER_COLUMNS),
        lambda row: DigestReader(**row.cells),
        optional=("channel", "comment"),
    )
    table.refuse_repeats("recipient", lambda reader: (reader.recipient.lower(), reader.team))
    return table


def check_digest_readers(readers: Table[DigestReader], teams: Collection[str], channels: Collection[str]) -> None:
    """Report every team and channel that is not configured."""
    for row in readers:
        team, channel = row.record.team, row.record.channel
        if team is not None and team not in teams:
            known = ", ".join(sorted(teams)) or "none yet; add it to teams.csv"
            readers.file.report(row.line, "team", f"there is no team {team!r}", f"the teams are: {known}")
        if channel is not None and channel not in channels:
            known = ", ".join(sorted(channels)) or "none yet; add it to alert_channels.csv"
            readers.file.report(row.line, "channel", f"there is no channel {channel!r}", f"the channels are: {known}")
