"""`tokenatlas alerts` on a home with one budget: told by real mail, acknowledged, landed, and rebuilt when its store is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import Settings
from orchestration.alerts import landed_events
from tests.integration.receivers import MailReceiver, WebReceiver, free_port, mail_receiver, web_receiver

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = "T0K3N-hush-hush"
STATUS = """
    create or replace table finops.mart_budget_status as
    select
        'org' as budget_id, 'All spend' as budget_name, '{status}' as status, date '2026-11-01' as period_start_date,
        date '2026-11-30' as period_end_date, date '2026-11-22' as assessment_date, 1000::decimal(38, 18) as budget_usd,
        {spent}::decimal(38, 18) as spent_usd, {spent} / 1000.0 as spent_ratio, {probability}::double as breach_probability,
        {spent} > 1000 as is_breached, 'owner@acme.example' as owner_email, 'email;hook' as channel, true as is_latest,
        date '2026-11-28' as breach_date, 'feature ask +$12.00 (+9 %)' as driver_1
"""


@dataclass
class Home:
    folder: Path
    variables: dict[str, str]

    def publish(self, *, probability: float = 0.9, spent: int = 800, status: str = "at_risk") -> None:
        """What a run would publish: one budget, as it stands."""
        file = self.folder / "home" / "published" / "tokenatlas.duckdb"
        file.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema if not exists finops")
            connection.execute(STATUS.format(status=status, spent=spent, probability=probability))

    def alerts(self, *arguments: str, now: str = "2026-11-23T06:00:00Z", **variables: str) -> tuple[int, str]:
        """Exit code and output of `tokenatlas alerts …`."""
        command = [str(Path(sys.executable).with_name("tokenatlas")), "alerts", *arguments]
        environment = {**os.environ, **self.variables, "TOKENATLAS_NOW": now, **variables}
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


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def home(tmp_path: Path, mail: MailReceiver, web: WebReceiver) -> Home:
    config = tmp_path / "config"
    shutil.copytree(REPOSITORY / "config", config)
    (config / "alert_channels.csv").write_text(
        "channel,url_env,min_severity,comment\nemail,EMAIL_URL,info,\nhook,HOOK_URL,warning,\n"
    )
    home = Home(
        tmp_path,
        {
            "TOKENATLAS_HOME": str(tmp_path / "home"),
            "TOKENATLAS_CONFIG": str(config),
            "EMAIL_URL": mail.url(),
            "HOOK_URL": web.url(SECRET),
        },
    )
    home.publish()
    return home


def test_an_alert_is_told_taken_on_and_resolved(home: Home, mail: MailReceiver, web: WebReceiver) -> None:
    """The life of one alert, seen from the command line, the mailbox, the webhook and the lake."""
    code, said = home.alerts("check")
    assert (code, len(mail.letters), len(web.requests)) == (0, 1, 1)
    assert "will probably be passed about 28 Nov 2026" in said
    assert mail.recipients == [["owner@acme.example"]]
    assert home.alerts("check")[0] == 0
    assert (len(mail.letters), len(web.requests)) == (1, 1)

    code, said = home.alerts("list")
    alert_id = landed_events(home.settings)[0].alert_id
    assert (code, alert_id in said, "owner@acme.example 2026-11-23 06:00" in said) == (0, True, True)
    assert home.alerts("ack", alert_id[:5], "--by", "ada")[0] == 0
    assert "acknowledged by ada" in home.alerts("list")[1]

    home.publish(probability=0.2, status="ok")
    assert home.alerts("check", now="2026-11-23T07:00:00Z")[0] == 0
    assert len(mail.letters) == 1
    home.alerts("check", now="2026-11-24T08:00:00Z")
    assert [letter["Subject"] for letter in mail.letters][1:] == [
        "[TokenAtlas] Resolved: Budget 'All spend' is no longer likely to be passed"
    ]
    assert home.alerts("list", now="2026-11-24T08:00:00Z") == (0, "No alert is open.\n")
    events = [event.event_name for event in landed_events(home.settings) if event.message_id is None]
    assert events == ["raised", "acknowledged", "resolved"]


def test_a_store_that_was_deleted_is_rebuilt_and_repeats_nothing(home: Home, mail: MailReceiver) -> None:
    """The log in the lake says what was told: nobody hears it twice."""
    home.alerts("check")
    shutil.rmtree(home.folder / "home" / "state")
    code, said = home.alerts("check")
    assert (code, len(mail.letters)) == (0, 1)
    assert "0 changes" in said
    assert "owner@acme.example 2026-11-23 06:00" in home.alerts("list")[1]


def test_what_cannot_be_delivered_shows_and_can_be_sent_after_mending(
    home: Home, mail: MailReceiver, web: WebReceiver
) -> None:
    """A retired webhook is given up, a mail server that is down is tried again; neither is lost, and codes say so."""
    web.plan = [410]
    down = f"mailto://127.0.0.1:{free_port()}/?from=a@acme.example&to=b@acme.example"
    code, said = home.alerts("check", EMAIL_URL=down)
    assert code == 1
    assert "given up" in said
    assert "to be tried again" in said
    code, said = home.alerts("outbox")
    assert (code, "the receiver answered 410" in said, "could not be reached" in said) == (1, True, True)
    assert home.alerts("outbox", "--retry")[0] == 0
    assert (len(mail.letters), len(web.requests)) == (1, 2)
    assert len(set(web.keys)) == 1
    assert home.alerts("outbox") == (0, "Every message has arrived.\n")


def test_a_channel_can_be_tried(home: Home, mail: MailReceiver, web: WebReceiver) -> None:
    """With a message that says that it is a test; a channel that is not there says what is missing."""
    assert home.alerts("test", "email", "--to", "me@acme.example")[0] == 0
    assert (mail.recipients, mail.letters[0]["Subject"]) == (
        [["me@acme.example"]],
        "[TokenAtlas] Test of the channel email",
    )
    web.plan = [404]
    code, said = home.alerts("test", "hook")
    assert (code, "answered 404" in said, SECRET in said) == (1, True, False)
    code, said = home.alerts("test", "pager")
    assert (code, "the channels are: email," in said) == (1, True)


def test_no_address_is_in_the_home(home: Home, web: WebReceiver) -> None:
    """Neither in the store, nor in the lake, nor in anything that was printed."""
    web.plan = [500]
    said = [home.alerts("check")[1], home.alerts("outbox")[1], home.alerts("list")[1]]
    files = [path.read_bytes().decode("latin-1") for path in (home.folder / "home").rglob("*") if path.is_file()]
    assert any("owner@acme.example" in text for text in files)
    assert not [text for text in (*said, *files) if SECRET in text]
