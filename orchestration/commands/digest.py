"""``digest``: one week as a page, and as letters."""

from __future__ import annotations

from pathlib import Path

import typer

from digest.weeks import parse_week
from ingestion.config import load_config
from ingestion.config.csv_files import CellError
from ingestion.config.digest_readers import DigestReader, one_address
from ingestion.errors import TokenAtlasError
from ingestion.settings import Settings
from orchestration import digests
from orchestration.console import console


def show_digest(
    week_name: str | None, team: str | None, out: Path | None, *, is_sent: bool, recipients: list[str], again: bool
) -> None:
    """Writes the page of a week; with ``is_sent`` or ``recipients`` sends it as well."""
    _check_addresses(recipients)
    settings = Settings.from_environment()
    week = digests.week_of_now(settings) if week_name is None else parse_week(week_name, settings.now.date())
    digest = digests.make_digest(settings, week, team)
    path = digests.write_page(digest, out or digests.page_path(settings, digest))
    console.print(f"{digest.week.name}, {digest.audience}: {path}", markup=False, soft_wrap=True)
    if not is_sent and not recipients:
        return
    readers = _readers(settings, team, recipients)
    with console.status("Sending"):
        sent = digests.send(settings, week, readers, again=again)
    for mark, what, lines in (
        ("[green]v[/]", "delivered", sent.delivered),
        ("[dim]-[/]", "not sent", sent.skipped),
        ("[red]x[/]", "did not arrive", sent.failed),
    ):
        for line in lines:
            console.print(f"  {mark} {what}: ", end="")
            console.print(line, markup=False, soft_wrap=True)
    if sent.failed:
        console.print("What did not arrive is tried again by the next run, or by this command.")
        raise typer.Exit(1)


def _check_addresses(recipients: list[str]) -> None:
    for recipient in recipients:
        try:
            one_address(recipient)
        except CellError as error:
            raise TokenAtlasError(error.what, where="--to", mend=error.mend) from error


def _readers(settings: Settings, team: str | None, recipients: list[str]) -> list[DigestReader]:
    if recipients:
        return [DigestReader(recipient, team, 0, None, None) for recipient in dict.fromkeys(recipients)]
    configured = load_config(settings).digest_readers
    readers = [reader for reader in configured if team is None or reader.team == team]
    if not readers:
        whose = "" if team is None else f" of {team}"
        raise TokenAtlasError(
            f"Nobody reads the digest{whose}",
            where="digest.csv",
            mend="add a line such as `finops@acme.example,,monday`, or name somebody with --to",
        )
    return readers
