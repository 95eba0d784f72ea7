"""Delivery against a real mail server and a real web server that fail, and against processes that are killed."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.channels import Channel, Channels, Message, Outcome, Verdict
from alerting.delivery import Drained, drain
from alerting.engine import Receiver
from alerting.model import AlertKind, EventName, Key, Severity
from alerting.outbox import MessageStatus
from tests.integration.receivers import MailReceiver, WebReceiver, free_port, mail_receiver, web_receiver
from tests.unit.alerting.worlds import Clock, Office, seen

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = "T0K3N-hush-hush"


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver


def channels_of(send_seconds: float = 10, **urls: str) -> Channels:
    """One channel for each address, by name."""
    variables = {f"{name.upper()}_URL": url for name, url in urls.items()}
    channels = tuple(Channel(name, f"{name.upper()}_URL") for name in urls)
    return Channels(channels, variables, send_seconds=send_seconds)


def message(channel: str, recipient: str = "", **changes: str) -> Message:
    values = {
        "message_id": "m1",
        "alert_id": "a1",
        "subject": "Betreff: 80 % für März",
        "text": "Überzogen.\n",
        **changes,
    }
    return Message(
        **values,
        event_name=EventName.RAISED,
        severity=Severity.CRITICAL,
        channel=channel,
        recipient=recipient,
        html="<p>Überzogen.</p>",
    )


# ---------------------------------------------------------------- the web


def test_a_webhook_gets_the_key_as_a_header_and_in_its_body(web: WebReceiver) -> None:
    """A receiver can tell a repeat, an alert and its severity without reading the text."""
    assert channels_of(hook=web.url()).send(message("hook")) == Outcome(Verdict.DELIVERED)
    (request,) = web.requests
    assert request["path"] == "/hook"
    assert request["headers"]["idempotency-key"] == "m1"
    body = request["json"]
    assert (body["idempotency_key"], body["alert_id"], body["event"], body["severity"]) == (
        "m1",
        "a1",
        "raised",
        "critical",
    )
    assert (body["title"], body["message"].strip()) == ("Betreff: 80 % für März", "Überzogen.")


@pytest.mark.parametrize(
    ("answer", "verdict", "error"),
    [
        (500, Verdict.FAILED, "the receiver answered 500"),
        (503, Verdict.FAILED, "the receiver answered 503"),
        (429, Verdict.FAILED, "the receiver answered 429"),
        (404, Verdict.REFUSED, "the receiver answered 404"),
        (410, Verdict.REFUSED, "the receiver answered 410"),
        (401, Verdict.REFUSED, "the receiver answered 401"),
        ("hang", Verdict.UNKNOWN, "no answer within 1 seconds"),
        ("drip", Verdict.UNKNOWN, "no answer within 1 seconds"),
        ("drop", Verdict.UNKNOWN, "the connection ended without an answer"),
    ],
)
def test_each_failure_is_what_it_is(web: WebReceiver, answer: int | str, verdict: Verdict, error: str) -> None:
    """What may be tried again, what is of no use, and what nobody can know."""
    web.plan = [answer]
    assert channels_of(1, hook=web.url()).send(message("hook")) == Outcome(verdict, error)


def test_a_receiver_that_is_not_there_has_nothing() -> None:
    """Refused connections and unknown hosts are known not to have delivered."""
    for url in (f"json://127.0.0.1:{free_port()}/hook", "json://no-such-host.invalid/hook"):
        outcome = channels_of(hook=url).send(message("hook"))
        assert (outcome.verdict, outcome.error) == (Verdict.FAILED, "the receiver could not be reached")


def test_a_channel_without_an_address_says_what_is_missing() -> None:
    """Not set, not understood, not listed: each in words, none with an address."""
    channels = Channels((Channel("chat", "CHAT_URL"), Channel("odd", "ODD_URL")), {"ODD_URL": f"nonsense://{SECRET}"})
    said = {name: channels.send(message(name)).error for name in ("chat", "odd", "pager")}
    assert said == {
        "chat": "CHAT_URL is not set in the environment or .env",
        "odd": "ODD_URL holds no address that apprise understands",
        "pager": "the channel pager is not in alert_channels.csv",
    }


# ---------------------------------------------------------------- mail


def test_a_letter_has_our_message_id_and_both_forms(mail: MailReceiver) -> None:
    """To the owner alone, in one thread per alert, readable as text and as HTML."""
    assert channels_of(email=mail.url("&cc=boss@acme.example")).send(message("email", "owner@acme.example")) == Outcome(
        Verdict.DELIVERED
    )
    (letter,) = mail.letters
    assert mail.recipients == [["owner@acme.example"]]
    assert letter.get_all("Message-ID") == ["<m1@alerts.tokenatlas.invalid>"]
    assert (letter["References"], letter["Idempotency-Key"]) == ("<a1@alerts.tokenatlas.invalid>", "m1")
    assert (letter["From"], letter["To"], letter["Cc"]) == (
        "TokenAtlas <alerts@acme.example>",
        "owner@acme.example",
        None,
    )
    assert letter["Subject"] == "Betreff: 80 % für März"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == ("Überzogen.", "<p>Überzogen.</p>")


def test_without_an_owner_the_address_says_who_hears_of_it(mail: MailReceiver) -> None:
    """The recipients and copies of the channel's own address."""
    channels_of(email=mail.url("&cc=boss@acme.example")).send(message("email"))
    assert mail.recipients == [["finops@acme.example", "boss@acme.example"]]
    assert mail.letters[0]["Cc"] == "boss@acme.example"


@pytest.mark.parametrize(
    ("answer", "verdict", "error"),
    [
        ("451 4.3.0 try later", Verdict.FAILED, "the mail server answered 451"),
        ("554 5.7.1 rejected", Verdict.REFUSED, "the mail server answered 554"),
        ("drop", Verdict.UNKNOWN, "the mail server did not say whether it took the letter"),
    ],
)
def test_each_answer_of_a_mail_server_is_what_it_is(
    mail: MailReceiver, answer: str, verdict: Verdict, error: str
) -> None:
    """4xx may be tried again, 5xx never, and silence after the letter leaves it open."""
    mail.plan = [answer]
    assert channels_of(email=mail.url()).send(message("email", "owner@acme.example")) == Outcome(verdict, error)


def test_a_recipient_who_is_not_there_is_refused_and_others_are_served(mail: MailReceiver) -> None:
    """One of two: the letter is delivered, and says so; the only one: refused."""
    assert channels_of(email=mail.url()).send(message("email", "nobody@acme.example")) == Outcome(
        Verdict.REFUSED, "the mail server answered 550"
    )
    outcome = channels_of(email=mail.url("&cc=nobody@acme.example")).send(message("email"))
    assert outcome == Outcome(Verdict.DELIVERED, "1 of 2 recipients were refused")
    assert mail.recipients == [["finops@acme.example"]]


def test_a_mail_server_that_is_down_has_nothing() -> None:
    """It may be tried again."""
    url = f"mailto://127.0.0.1:{free_port()}/?from=a@acme.example&to=b@acme.example"
    outcome = channels_of(email=url).send(message("email"))
    assert outcome == Outcome(Verdict.FAILED, "the mail server could not be reached (ConnectionRefusedError)")


def test_an_address_with_a_line_break_forges_no_header(mail: MailReceiver) -> None:
    """It is refused, and nothing is sent."""
    outcome = channels_of(email=mail.url()).send(message("email", "a@acme.example\nBcc: b@evil.example"))
    assert (outcome.verdict, mail.letters) == (Verdict.REFUSED, [])


# ---------------------------------------------------------------- the outbox on real receivers


def drained(office: Office, channels: Channels) -> Drained:
    return drain(office.outbox, channels, office.path / "workers", office.clock)


def test_an_alert_gets_through_a_bad_day(tmp_path: Path, web: WebReceiver, mail: MailReceiver) -> None:
    """Down, then 500, then silence after it was taken: in the end each receiver has it, once by its key."""
    office = Office(
        tmp_path, route=lambda facts, severity: (Receiver("hook"), Receiver("email", facts.owner_email or ""))
    )
    office.assess(seen())
    web.plan, mail.plan = [500, 503, "drop"], ["451 later", "drop"]
    down = channels_of(
        1, hook=f"json://127.0.0.1:{free_port()}/", email=f"mailto://127.0.0.1:{free_port()}/?from=a@b.example"
    )
    assert len(drained(office, down).failed) == 2
    up = channels_of(1, hook=web.url(), email=mail.url())
    for _ in range(6):
        office.clock.move(hours=1)
        drained(office, up)
    assert office.outbox.listed(MessageStatus.PENDING, MessageStatus.DEAD) == []
    # Two answered no, one answered nothing, one took it: the last two may be seen, and have one key.
    assert (len(web.keys), len(set(web.keys))) == (4, 1)
    assert [letter["Message-ID"] for letter in mail.letters] == [mail.letters[0]["Message-ID"]] * 2
    attempts = {each.message.channel: each.attempt_count for each in office.outbox.listed(MessageStatus.DELIVERED)}
    assert attempts == {"hook": 5, "email": 4}
    office.store.close()


def worker(office: Office, url: str, *how: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.integration.alert_worker", str(office.path), url, *how]
    return subprocess.Popen(command, cwd=REPOSITORY)


def hooked(folder: Path, count: int) -> Office:
    """A home whose outbox holds so many messages to the webhook."""
    office = Office(folder, Clock(datetime.now(UTC)), lambda facts, severity: (Receiver("hook"),))
    office.assess(*(seen(key=Key(AlertKind.DATA_LATE, f"source-{number}")) for number in range(count)))
    return office


@pytest.mark.parametrize(
    ("step", "copies"), [("claimed", 1), ("started", 1), ("sent", 2), ("settled", 1)], ids=lambda value: str(value)
)
def test_a_killed_process_loses_and_repeats_nothing_it_need_not(
    tmp_path: Path, web: WebReceiver, step: str, copies: int
) -> None:
    """SIGKILL between claim and sending, and between sending and confirming: the next process finishes the work at once."""
    office = hooked(tmp_path, 3)
    assert worker(office, web.url(), step, "1").wait(60) == -9
    assert worker(office, web.url()).wait(60) == 0
    assert office.outbox.listed(*(each for each in MessageStatus if each is not MessageStatus.DELIVERED)) == []
    counted = Counter(web.keys)
    assert sorted(counted.values()) == sorted([1, 1, copies])
    doubtful = [each for each in office.outbox.listed(MessageStatus.DELIVERED) if each.may_have_arrived]
    assert len(doubtful) == (step in ("started", "sent"))
    office.store.close()


def test_several_processes_at_once_deliver_each_message_once(tmp_path: Path, web: WebReceiver) -> None:
    """Four of them, forty messages, nothing twice."""
    office = hooked(tmp_path, 40)
    workers = [worker(office, web.url()) for _ in range(4)]
    assert [each.wait(120) for each in workers] == [0] * 4
    assert (len(web.keys), len(set(web.keys))) == (40, 40)
    assert len(office.outbox.listed(MessageStatus.DELIVERED)) == 40
    assert office.clock() + timedelta(hours=1) > datetime.now(UTC)
    office.store.close()


def test_no_address_is_ever_written_or_said(
    tmp_path: Path, web: WebReceiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever fails, and however verbose the process is: a token in the address stays in the environment."""
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3", "requests", ""):
        logging.getLogger(name).setLevel(logging.DEBUG)
    names = ("ok", "gone", "down", "slow", "mail", "odd")
    office = Office(tmp_path, route=lambda facts, severity: tuple(Receiver(name) for name in names))
    office.assess(seen())
    web.plan = [200, 404, "hang"]
    urls = {
        "ok": f"json://{SECRET}:{SECRET}@127.0.0.1:{web.port}/{SECRET}?-token={SECRET}",
        "gone": f"json://127.0.0.1:{web.port}/{SECRET}",
        "down": f"json://127.0.0.1:{free_port()}/{SECRET}?+X-Token={SECRET}",
        "slow": f"json://127.0.0.1:{web.port}/{SECRET}",
        "mail": f"mailtos://user:{SECRET}@127.0.0.1:{free_port()}/?from=a@acme.example&to=b@acme.example",
        "odd": f"nonsense://{SECRET}",
    }
    channels = channels_of(1, **urls)
    results = [channels.send(message(name)) for name in names]
    web.plan = [200, 404, "hang"]
    drained(office, channels)
    said = [caplog.text, *capfd.readouterr(), *(str(result) for result in results)]
    said += [repr(each) for each in office.outbox.listed(*MessageStatus)]
    said += [repr(event) for event in office.store.events_to_export()]
    office.store.close()
    said += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text[:300] for text in said if SECRET in text] == []
    assert {result.verdict for result in results} > {Verdict.DELIVERED}
