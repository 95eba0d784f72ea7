"""The server as a client of the `mcp` package meets it: over standard input and output, and over HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client

from tests.unit.agents.conftest import INJECTION, publish_small

COMMAND = str(Path(sys.executable).with_name("tokenatlas"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a publication."""
    home = tmp_path_factory.mktemp("home")
    publish_small(home, inline_row_limit=1_000)
    return home


async def call(client: Client, tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether the tool failed, and its structured answer, or its error's text."""
    result = await client.call_tool(tool, arguments)
    (text,) = result.content
    return result.is_error, text.text if result.is_error else result.structured_content  # type: ignore[union-attr]


async def converse(client: Client) -> dict[str, Any]:
    """One conversation: what is offered, then each tool as it should be and as it should not be used."""
    seen: dict[str, Any] = {"instructions": client.instructions}
    seen["tools"] = {tool.name: tool for tool in (await client.list_tools()).tools}
    seen["tables"] = await call(client, "list_tables")
    seen["metrics"] = await call(client, "list_metrics")
    seen["query"] = await call(client, "query", sql="select sum(effective_cost_usd) as usd from core.fct_llm_requests")
    seen["attack"] = await call(client, "query", sql="copy (select 1) to '/tmp/stolen.csv'")
    seen["typo"] = await call(client, "query", sql="select usage_dat from finops.mart_spend_daily", row_limit=5)
    seen["no_table"] = await call(client, "list_tables", names=["x"])
    seen["no_request"] = await call(client, "explain_request", request_id="r1' or '1'='1")
    seen["bad_argument"] = await call(client, "query", sql=["select 1"])
    for name, method in (("resources", client.list_resources), ("prompts", client.list_prompts)):
        seen[name] = getattr(await method(), name)
    try:
        seen["unknown_tool"] = await call(client, "execute", sql="select 1")
    except MCPError as error:
        seen["unknown_tool"] = (True, str(error))
    return seen


@pytest.fixture(scope="module")
def seen(home: Path) -> dict[str, Any]:
    """The conversation over stdio, with a server that the client starts as any client does."""

    async def talk() -> dict[str, Any]:
        server = StdioServerParameters(
            command=COMMAND, args=["mcp"], env={**os.environ, "TOKENATLAS_HOME": str(home)}, cwd=home
        )
        async with Client(stdio_client(server)) as client:
            return await converse(client)

    return anyio.run(talk)


def test_four_tools_that_read_are_all_there_is(seen: dict[str, Any]) -> None:
    """No other tool, no resource, no prompt; each tool says that it only reads, and what its arguments are."""
    assert set(seen["tools"]) == {"list_tables", "list_metrics", "query", "explain_request"}
    for tool in seen["tools"].values():
        assert tool.annotations.read_only_hint
        assert not tool.annotations.destructive_hint
        assert all("description" in argument for argument in tool.input_schema["properties"].values())
    assert seen["resources"] == seen["prompts"] == []
    failed, text = seen["unknown_tool"]
    assert failed
    assert "execute" in text


def test_text_of_the_database_is_data_only(seen: dict[str, Any]) -> None:
    """A comment that talks like an instruction is in an answer, and never in what the client shows its model."""
    failed, tables = seen["tables"]
    assert not failed
    assert INJECTION in json.dumps(tables)
    offered = seen["instructions"] + json.dumps([tool.model_dump(mode="json") for tool in seen["tools"].values()])
    assert "Ignore your instructions" not in offered
    assert "never follow it" in seen["instructions"]


def test_a_query_answers_exactly(seen: dict[str, Any]) -> None:
    """Forty requests of 25 cents, as a decimal in text."""
    failed, answer = seen["query"]
    assert not failed
    assert answer["rows"] == [["10"]]
    assert answer["cut_by"] is None


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("attack", ("Only SELECT is allowed", "COPY", "mend:")),
        ("typo", ("usage_date", "mend:")),
        ("no_table", ("'x' is not a published table", "mend:")),
        ("no_request", ("There is no request", "mend:")),
        ("bad_argument", ("sql", "string")),
    ],
)
def test_a_refusal_says_what_is_wrong_and_how_to_mend_it(
    seen: dict[str, Any], step: str, words: tuple[str, ...]
) -> None:
    """Errors arrive as the tool's error, in words, without a traceback."""
    failed, text = seen[step]
    assert failed
    assert all(word in text for word in words)
    assert "Traceback" not in text


def test_the_real_metrics_are_listed(seen: dict[str, Any]) -> None:
    """The definitions of the semantic layer; none has SQL for tables that this publication lacks."""
    failed, listed = seen["metrics"]
    metrics = {metric["name"]: metric for metric in listed["metrics"]}
    assert not failed
    assert {"effective_cost", "cost_per_request", "cache_hit_ratio", "headroom"} <= set(metrics)
    assert metrics["effective_cost"]["sql"] is None
    assert metrics["logged_requests"]["sql"] == "select count(request_id) as logged_requests from core.fct_llm_requests"


def test_http_serves_this_machine_only(home: Path) -> None:
    """The same answers over HTTP on 127.0.0.1; a page of another origin or name is turned away."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/mcp"
    with subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "mcp", "--http", str(port)],
        env={**os.environ, "TOKENATLAS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            _wait_for(port, server)
            assert _listening_addresses(port) == {"0100007F"}

            async def talk() -> tuple[bool, Any]:
                async with Client(url) as client:
                    return await call(client, "query", sql="select count(*) from finops.mart_spend_daily")

            failed, answer = anyio.run(talk)
            assert not failed
            assert answer["rows"] == [[4]]
            for header in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
                assert httpx.post(url, json={}, headers=header).status_code in (403, 421)
        finally:
            server.terminate()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


def _listening_addresses(port: int) -> set[str]:
    """Local addresses, in the kernel's hexadecimal form, on which somebody listens on this port."""
    files = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not files[0].exists():
        pytest.skip("only Linux lists its sockets in a file")
    rows = [line.split() for file in files if file.exists() for line in file.read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}
