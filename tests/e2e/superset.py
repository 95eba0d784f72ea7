"""A running Superset for the tests: its readers, its API, and the tables that its pages read."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.e2e.processes import beside_python, free_port

PATIENCE_SECONDS = 300
PASSWORD = "only-for-tests"
FINANCE, SUPPORT, ADMIN = "finance.reader", "support.reader", "admin"
PASSWORDS = {
    "TOKENATLAS_BI_ADMIN_PASSWORD": PASSWORD,
    "TOKENATLAS_BI_PASSWORD_FINANCE_READER": PASSWORD,
    "TOKENATLAS_BI_PASSWORD_SUPPORT_READER": PASSWORD,
    "TOKENATLAS_BI_PASSWORD_DEVX_READER": PASSWORD,
}


@dataclass
class Superset:
    """One server on the home of a demo.

    Attributes:
        url: Where it listens.
        home: The home whose published tables it shows.
    """

    url: str
    home: Path
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def published(self) -> Path:
        return self.home / "published" / "tokenatlas.duckdb"

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the published tables, past Superset."""
        with duckdb.connect(str(self.published), read_only=True) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(query).fetchall()
        return rows

    def value(self, query: str) -> Any:
        """The one value that a query gives."""
        ((value,),) = self.sql(query)
        return value

    def api(self, username: str) -> httpx.Client:
        """The API as one reader sees it."""
        if username not in self._clients:
            client = httpx.Client(base_url=self.url, timeout=60)
            body = {"username": username, "password": PASSWORD, "provider": "db"}
            answer = client.post("/api/v1/security/login", json=body)
            answer.raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            self._clients[username] = client
        return self._clients[username]

    def close(self) -> None:
        """Hangs up."""
        for client in self._clients.values():
            client.close()

    @cached_property
    def datasets(self) -> dict[str, int]:
        """Superset's numbers of the datasets, by table."""
        return self._numbers("dataset", "table_name")

    @cached_property
    def pages(self) -> dict[str, int]:
        """Superset's numbers of the pages, by slug."""
        return self._numbers("dashboard", "slug")

    def _numbers(self, kind: str, name: str) -> dict[str, int]:
        answer = self.api(ADMIN).get(f"/api/v1/{kind}/", params={"q": "(page_size:100)"})
        answer.raise_for_status()
        return {item[name]: item["id"] for item in answer.json()["result"]}

    def query(self, username: str, dataset: str, **query: Any) -> httpx.Response:
        """Asks for the data of a chart that the reader made up.

        Args:
            query: The query object; ``form_data``, ``result_format`` and ``result_type`` stand beside it.
        """
        body = {
            "datasource": {"id": self.datasets[dataset], "type": "table"},
            "force": True,
            **{name: query.pop(name) for name in ("form_data", "result_format", "result_type") if name in query},
            "queries": [{"columns": [], "metrics": [], "filters": [], "row_limit": 1000, **query}],
        }
        return self.api(username).post("/api/v1/chart/data", json=body)


def sql_metric(expression: str) -> dict[str, Any]:
    """A metric that a reader types."""
    return {"expressionType": "SQL", "sqlExpression": expression, "label": "typed"}


@contextmanager
def running_superset(environment: Mapping[str, str], repository: Path) -> Iterator[Superset]:
    """What `make bi` starts, on the home of an environment."""
    home = Path(environment["TOKENATLAS_HOME"])
    port = free_port()
    log = home / "bi.log"
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [beside_python("python"), "-m", "dashboards", "--port", str(port)],
            cwd=repository,
            env={**environment, **PASSWORDS},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running = Superset(f"http://127.0.0.1:{port}", home)
        try:
            _wait_until_up(running.url, server, log)
            yield running
        finally:
            running.close()
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/health", timeout=30).is_success:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.5)
    pytest.fail(f"Superset did not come up: {log.read_text()}")
