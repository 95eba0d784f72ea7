"""``mcp``: the published tables for agents. What the server needs to know of this project is put together here."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb
from mcp.server import MCPServer

from agents.server import build_server
from agents.values import to_json
from ingestion.errors import TokenAtlasError
from ingestion.settings import Settings
from orchestration.commands.explain import Explanation, explanations_from

SEMANTIC_LAYER = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "semantic"

_HOST = "127.0.0.1"


def serve(port: int | None) -> None:
    """Serves until the client goes away: on standard input and output, or over HTTP on this machine only."""
    server = make_server(Settings.from_environment())
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host=_HOST, port=port, stateless_http=True, json_response=True)


def make_server(settings: Settings) -> MCPServer[None]:
    return build_server(
        settings.published_path, SEMANTIC_LAYER, explain_published, version=metadata.version("tokenatlas")
    )


def explain_published(connection: duckdb.DuckDBPyConnection, request_id: str) -> list[dict[str, Any]]:
    """Every step of the cost of the requests of this id, from published tables; the lake and the warehouse stay shut.

    Raises:
        TokenAtlasError: there is no such request.
    """
    explanations = explanations_from(connection, request_id, None)
    if not explanations:
        raise TokenAtlasError(
            f"There is no request {request_id!r}",
            where="core.fct_llm_requests, by request_id and response_id",
            mend="Find its id with query. A second log of one request is dropped: `tokenatlas explain` tells of which.",
        )
    return [_document(explanation) for explanation in explanations]


def _document(explanation: Explanation) -> dict[str, Any]:
    request, ledger = explanation.request, explanation.ledger
    listed = ledger["list_cost_usd"]
    steps = {
        "request": {name: value for name, value in request.items() if value is not None},
        "list_cost": {
            "parts": [vars(part) for part in explanation.tokens],
            "list_cost_usd": request["list_cost_usd"],
            "price_status": request["price_status"],
            "price_row": explanation.price,
        },
        "effective_cost": {
            "effective_cost_usd": request.get("effective_cost_usd"),
            "workload_day": ledger,
            "effective_to_list_ratio": ledger["effective_cost_usd"] / listed if listed else None,
        },
        "owner": {
            "allocation_method": request.get("allocation_method"),
            "allocation_rule_id": request.get("allocation_rule_id"),
            "workload": explanation.workload,
            "splits": explanation.splits,
        },
        "origin": {name: request.get(name) for name in ("source_name", "load_id", "file_line")},
    }
    document: dict[str, Any] = to_json(steps)
    return document
