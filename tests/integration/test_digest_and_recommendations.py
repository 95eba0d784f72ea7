"""`tokenatlas digest` and `tokenatlas recommendations` on a home with a small published file: by command, by mail, twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from digest.letter import render_letter
from digest.reading import read_digest
from ingestion.config import load_config
from ingestion.errors import ConfigError, TokenAtlasError
from ingestion.lake import Lake
from ingestion.settings import Settings
from optimization.recommendations.model import Happening
from optimization.recommendations.state import Thresholds, advance
from orchestration.digests import Sent, due_readers, last_events, send
from orchestration.recommendations import change, known_recommendations, land_events
from tests.integration.receivers import MailReceiver, mail_receiver
from tests.unit.digest.figures import read_page
from tests.unit.digest.published import NOW, WEEK, open_published, write_published
from tests.unit.optimization.recommendations.test_state import candidate

pytestmark = pytest.mark.integration

CONFIG = {
    "alert_channels.csv": "channel,url_env,min_severity,comment\nemail,DIGEST_MAIL_URL,info,\n",
    "teams.csv": "team,team_name,cost_center,owner_email,aliases\nsearch,Search,,search@acme.example,\nsupport,Support,,,\n",
    "digest.csv": "recipient,team,weekday,channel,comment\nfinops@acme.example,,monday,,\nsearch@acme.example,search,tuesday,,\n",
    "sources.yml": "sources: {}\n",
}


@dataclass
class Home:
    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of `tokenatlas …`. Starting it takes seconds, so most is asked of the functions below."""
        command = [str(Path(sys.executable).with_name("tokenatlas")), *arguments]
        environment = {**os.environ, **self.variables, "TOKENATLAS_NOW": "2026-11-23T06:00:00Z"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    @property
    def settings(self) -> Settings:
        return Settings.from_environment({**self.variables, "TOKENATLAS_NOW": "2026-11-23T06:00:00Z"})

    def send(self, *, again: bool = False) -> Sent:
        """To every reader whose day has come."""
        config = load_config(self.settings)
        return send(self.settings, WEEK, due_readers(config, self.settings, WEEK), again=again)


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    """A mail server on this machine."""
    with mail_receiver() as receiver:
        yield receiver


@pytest.fixture
def home(tmp_path: Path, mail: MailReceiver, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that has published once, with two readers and a mail server."""
    config = tmp_path / "config"
    config.mkdir()
    for name, text in CONFIG.items():
        (config / name).write_text(text)
    variables = {
        "TOKENATLAS_HOME": str(tmp_path / "home"),
        "TOKENATLAS_CONFIG": str(config),
        "DIGEST_MAIL_URL": mail.url(),
    }
    monkeypatch.setenv("DIGEST_MAIL_URL", mail.url())
    write_published(tmp_path / "home" / "published" / "tokenatlas.duckdb")
    return Home(tmp_path, variables)


def test_the_letter_that_arrives_is_the_digest_with_its_pictures(home: Home, mail: MailReceiver) -> None:
    """Text, HTML and pictures within; only to its reader, on its day; and nobody gets the same week twice."""
    assert home.send().delivered == ["finops@acme.example (all teams)"]
    assert mail.recipients == [["finops@acme.example"]]
    with open_published(home.settings.published_path) as connection:
        expected = render_letter(read_digest(connection, WEEK, None, NOW))
    letter = mail.letters[0]
    assert letter["Subject"] == expected.subject
    assert letter.get_content_type() == "multipart/alternative"
    text = letter.get_body(("plain",))
    assert text is not None
    assert text.get_content().split() == expected.text.split()
    related = letter.get_body(("related",))
    assert related is not None
    pictures = {part["Content-ID"].strip("<>"): part.get_content() for part in related.iter_attachments()}
    assert pictures == dict(expected.images)
    html = related.get_body(("html",))
    assert html is not None
    assert sorted(read_page(html.get_content()).addresses) == sorted(f"cid:{name}" for name in pictures)

    assert home.send().skipped == ["finops@acme.example (all teams): got it before"]
    assert len(mail.letters) == 1
    assert home.send(again=True).delivered == ["finops@acme.example (all teams)"]
    assert mail.letters[1]["Message-ID"] == letter["Message-ID"]


def test_what_did_not_arrive_is_tried_again_and_what_may_have_is_not(home: Home, mail: MailReceiver) -> None:
    """A server that is busy is asked again; one that hung up after it had the letter is not."""
    mail.plan = ["451 busy", "drop"]
    assert home.send().failed == ["finops@acme.example (all teams): the mail server answered 451"]
    assert set(last_events(home.settings).values()) == {"failed"}
    assert len(home.send().failed) == 1
    assert set(last_events(home.settings).values()) == {"unknown"}
    arrived = len(mail.letters)
    assert home.send().skipped == [
        "finops@acme.example (all teams): it may have arrived; --again sends it once more",
    ]
    assert len(mail.letters) == arrived


def test_a_process_that_died_while_sending_leaves_it_open(home: Home, mail: MailReceiver) -> None:
    """What is about to be sent is in the lake before it leaves: the next run does not send it a second time."""
    mail.plan = ["250 OK"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestration.digests.Channels.send", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            home.send()
    assert "the process ended while it was being sent" in home.send().skipped[0]
    assert mail.letters == []


def test_the_command_writes_the_page_of_a_team_and_sends_it(home: Home, mail: MailReceiver) -> None:
    """With that team's numbers, where it was told, and to whom it was told."""
    page = home.folder / "out" / "search.html"
    arguments = ("--team", "search", "--week", "2026-W47", "--out", str(page), "--to", "ann@acme.example")
    code, output = home.run("digest", *arguments)
    assert code == 0, output
    assert "delivered: ann@acme.example (search)" in output
    assert mail.recipients == [["ann@acme.example"]]
    with open_published(home.settings.published_path) as connection:
        ((spent,),) = connection.execute(
            "select sum(effective_cost_usd) from finops.mart_spend_daily where team = 'search' and usage_date >= '2026-11-16'"
        ).fetchall()
    assert Decimal(read_page(page.read_text()).one("spent_usd")) == spent
    code, output = home.run("digest", "--team", "nobody")
    assert code == 1
    assert "There is no team 'nobody'" in output


def test_bad_readers_are_refused_with_their_line(home: Home) -> None:
    """An address that is none, a team and a channel that are not there, a day that is none, and the same twice."""
    (home.folder / "config" / "digest.csv").write_text(
        "recipient,team,weekday,channel,comment\nnobody,,monday,,\na@acme.example,ghosts,,,\nb@acme.example,,someday,,\n"
        "c@acme.example,,,pigeon,\nd@acme.example,,,,\nD@acme.example,,,,\n"
    )
    with pytest.raises(ConfigError) as raised:
        load_config(home.settings)
    for line, column in ((2, "recipient"), (3, "team"), (4, "weekday"), (5, "channel"), (7, "recipient")):
        assert f"digest.csv:{line} {column}" in str(raised.value)


# ---------------------------------------------------------------- recommendations


@pytest.fixture
def recommended(home: Home) -> Home:
    """The same home after a run that recommended two things."""
    found = [candidate(20), candidate(15, feature="find")]
    _, events = advance({}, found, Thresholds(Decimal(1)), date(2026, 11, 22), NOW)
    land_events(Lake(home.settings.lake_path, home.settings.clock), events)
    return home


def test_decisions_are_kept_and_shown_at_once(recommended: Home) -> None:
    """Accepted by one, done by another on a day, and shown by the command; a wrong step is refused and told."""
    ask = candidate(20).recommendation_id
    settings = recommended.settings
    change(settings, ask, Happening.ACCEPTED, person="ann", reason="next sprint")
    one, is_news = change(settings, ask[:14], Happening.DONE, person="bob", day=date(2026, 11, 20))
    assert is_news
    assert (one.state, one.done_date) == ("done", date(2026, 11, 20))
    assert change(settings, ask, Happening.DONE, person="eve") == (one, False)
    code, output = recommended.run("recommendations", "show", ask)
    assert code == 0, output
    for said in ("2026-11-22  opened    by a run", "accepted  by ann: next sprint", "2026-11-20  done      by bob"):
        assert said in output
    code, output = recommended.run("recommendations", "accept", ask)
    assert code == 1
    assert "What is done cannot become accepted" in output
    assert known_recommendations(settings)[ask] == one


def test_writers_at_once_are_one_after_the_other(recommended: Home) -> None:
    """Each waits for the one before and sees what it has done: no decision is lost, and no two have one number."""
    ask = candidate(20).recommendation_id

    def decide(name: Happening) -> bool:
        try:
            return change(recommended.settings, ask, name, person=name, reason="so")[1]
        except TokenAtlasError:
            return False

    with ThreadPoolExecutor(3) as pool:
        won = sum(pool.map(decide, (Happening.ACCEPTED, Happening.DONE, Happening.REJECTED)))
    known = known_recommendations(recommended.settings)
    assert 1 <= won <= 2
    assert known[ask].event_count == 1 + won
    assert known[ask].state in ("done", "rejected")
