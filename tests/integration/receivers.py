"""Real receivers on this machine: a mail server and a web server that misbehave as they are told."""

from __future__ import annotations

import email
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class WebReceiver:
    """What came in, and what the next requests are answered with: a status, or ``hang``, ``drip`` or ``drop``."""

    port: int = 0
    plan: list[int | str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """Idempotency keys of the requests, in the order of arrival."""
        return [request["headers"]["idempotency-key"] for request in self.requests]

    def url(self, path: str = "hook") -> str:
        return f"json://127.0.0.1:{self.port}/{path}"


@contextmanager
def web_receiver() -> Iterator[WebReceiver]:
    receiver = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append({"path": self.path, "headers": headers, "json": json.loads(body)})
            answer = receiver.plan.pop(0) if receiver.plan else 200
            if answer == "hang":
                time.sleep(3)
            elif answer == "drip":
                self._drip()
            elif answer == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.send_response(int(answer))
                self.send_header("content-length", "0")
                self.end_headers()

        def _drip(self) -> None:
            with suppress(OSError):
                for _ in range(30):
                    self.wfile.write(b"H")
                    self.wfile.flush()
                    time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailReceiver:
    """Letters that came in, and what the server says to the next ones: a full answer, or ``drop`` after it has the letter."""

    port: int = 0
    plan: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - same
        answer = self.plan.pop(0) if self.plan else "250 OK"
        if answer == "drop" or answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            letter = email.message_from_bytes(content, policy=default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.recipients.append(list(envelope.rcpt_tos))
        if answer == "drop":
            assert server.transport is not None
            server.transport.abort()
        return answer

    def url(self, query: str = "") -> str:
        return f"mailto://127.0.0.1:{self.port}/?from=alerts@acme.example&to=finops@acme.example{query}"


@contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    receiver = MailReceiver(free_port())
    controller = Controller(receiver, hostname="127.0.0.1", port=receiver.port)
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()
