"""A provider for tests: a local HTTP server that answers from a script and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """One answer. Text is sent as it is, anything else as JSON; ``lost_bytes`` are announced and never sent."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    lost_bytes: int = 0


Script = Sequence[Answer] | Callable[[Asked], Answer]
"""Answers in order, the last one for ever; or a function of the request."""


class FakeProvider:
    """Serves ``script`` by path on 127.0.0.1; any other path is 404."""

    def __init__(self, script: Mapping[str, Script]) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self._served: dict[str, int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeProvider:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        script = self.script.get(asked.path)
        if script is None:
            return Answer({"error": {"message": "Not found"}}, 404)
        if callable(script):
            return script(asked)
        turn = self._served.get(asked.path, 0)
        self._served[asked.path] = turn + 1
        return script[min(turn, len(script) - 1)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = provider.answer(Asked(url.path, parse_qs(url.query), headers))
                body = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
                self.send_response(answer.status)
                for name, value in {"content-type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body) + answer.lost_bytes))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
                """Nothing: tests read ``asked`` instead."""

        return Handler
