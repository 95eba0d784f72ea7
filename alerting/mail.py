"""Mail, with a Message-ID of ours. Apprise reads the address and knows the providers' servers, but gives each attempt a
new Message-ID, by which no server can know a repeat; so the letter is written and handed over here (ADR 15)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from typing import Any

from alerting.channels import CONNECT_SECONDS, IDEMPOTENCY_HEADER, READ_SECONDS, SENDER, Message, Outcome, Verdict

MESSAGE_ID_DOMAIN = "alerts.tokenatlas.invalid"
"""Reserved (RFC 2606): the ids are unique by themselves, and no host of the sender is told."""


def is_mail(plugin: Any) -> bool:
    """Whether an apprise service sends mail over SMTP."""
    from apprise.plugins.email import NotifyEmail

    return isinstance(plugin, NotifyEmail)


def send(plugin: Any, message: Message) -> Outcome:
    """Hands one letter to the server.

    Refused: the server says never (5xx). Failed: it did not take it, or could not be reached. Unknown: the connection
    ended after the letter was sent and before the server had said that it has it.
    """
    if plugin.pgp_mode not in ("no", "none"):
        return Outcome(Verdict.REFUSED, "encrypted mail (pgp=) is not supported for alerts")
    receivers = [message.recipient] if message.recipient else [address for _, address in plugin.targets]
    copies = [] if message.recipient else [*plugin.cc, *plugin.bcc]
    try:
        letter = write(plugin, message, receivers)
    except ValueError:
        return Outcome(Verdict.REFUSED, "the address cannot stand in a letter")
    try:
        with _connected(plugin) as smtp:
            return _hand_over(smtp, plugin.from_addr[1], [*receivers, *copies], letter)
    except smtplib.SMTPResponseException as error:
        return _answered(error.smtp_code)
    except ssl.SSLError:
        return Outcome(Verdict.FAILED, "the mail server's certificate is not trusted")
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(Verdict.FAILED, f"the mail server could not be reached ({type(error).__name__})")


def write(plugin: Any, message: Message, receivers: list[str]) -> EmailMessage:
    """The letter: text, and the same as HTML. Letters about one alert are one thread."""
    # Seven bits pass every server; a subject that is folded before its first word shows with a blank in front.
    letter = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit", max_line_length=300))
    letter["Subject"] = message.subject
    letter["From"] = formataddr((plugin.from_addr[0] or SENDER, plugin.from_addr[1]))
    letter["To"] = ", ".join(receivers)
    if plugin.cc and not message.recipient:
        letter["Cc"] = ", ".join(sorted(plugin.cc))
    if plugin.reply_to:
        letter["Reply-To"] = ", ".join(sorted(plugin.reply_to))
    letter["Date"] = formatdate()
    letter["Message-ID"] = f"<{message.message_id}@{MESSAGE_ID_DOMAIN}>"
    letter["References"] = f"<{message.alert_id}@{MESSAGE_ID_DOMAIN}>"
    letter[IDEMPOTENCY_HEADER] = message.message_id
    letter["Auto-Submitted"] = "auto-generated"
    for name, value in plugin.headers.items():
        if name not in letter:
            letter[name] = value
    letter.set_content(message.text)
    letter.add_alternative(message.html, subtype="html")
    html = letter.get_payload()[-1]  # type: ignore[index]  # a letter with an alternative is a list of parts
    assert isinstance(html, EmailMessage)  # noqa: S101 - the part that was just added
    for image in message.images:
        html.add_related(image.png, "image", "png", cid=f"<{image.content_id}>", disposition="inline")
    return letter


@contextmanager
def _connected(plugin: Any) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if not plugin.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if plugin.secure_mode == "ssl":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(plugin.smtp_host, plugin.port, timeout=CONNECT_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(plugin.smtp_host, plugin.port, timeout=CONNECT_SECONDS)
    try:
        if plugin.secure_mode == "starttls":
            smtp.starttls(context=context)
        if plugin.user and plugin.password:
            smtp.login(plugin.user, plugin.password)
        if smtp.sock is not None:
            smtp.sock.settimeout(READ_SECONDS)
        yield smtp
    finally:
        # What was settled stays settled, however the goodbye goes.
        smtp.close()


def _hand_over(smtp: smtplib.SMTP, sender: str, receivers: list[str], letter: EmailMessage) -> Outcome:
    smtp.ehlo_or_helo_if_needed()
    code, _ = smtp.mail(sender)
    if code != 250:
        return _answered(code)
    refusals = [code for code, _ in (smtp.rcpt(receiver) for receiver in receivers) if code not in (250, 251)]
    if len(refusals) == len(receivers):
        return _answered(max(refusals, default=550))
    try:
        code, _ = smtp.data(letter.as_bytes())
    except (OSError, smtplib.SMTPServerDisconnected):
        return Outcome(Verdict.UNKNOWN, "the mail server did not say whether it took the letter")
    if code != 250:
        return _answered(code)
    note = f"{len(refusals)} of {len(receivers)} recipients were refused" if refusals else None
    return Outcome(Verdict.DELIVERED, note)


def _answered(code: int) -> Outcome:
    is_final = 500 <= code < 600
    return Outcome(Verdict.REFUSED if is_final else Verdict.FAILED, f"the mail server answered {code}")
