"""``explain``: how the cost and the owner of one request came about, from the published tables and the lake's index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.markup import escape

from ingestion.errors import TokenAtlasError
from ingestion.settings import Settings
from orchestration.console import console, table
from orchestration.lake_rows import live_rows
from orchestration.warehouse import reading

TOKEN_TYPES = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
)

_WHY_UNPRICED = {
    "not_billable": "The provider does not charge for it (refused, failed or rate limited), so it costs 0.",
    "unknown_usage": "The log does not say its tokens, so nobody knows its cost. The meter counts it as dark spend.",
    "unknown_model": "Neither the price list nor an override knows the model. Mend: a row in price_overrides.csv.",
    "no_price_for_tier": "The model has no price in this service tier. Mend: a row in price_overrides.csv.",
    "no_price_for_token_type": "It used a token type without a price; a partial sum would look like a cheap request.",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class PricedTokens:
    """Tokens of one type, dollars per million of them, and what they cost. ``cost_usd`` is null without a price."""

    token_type: str
    tokens: int
    usd_per_mtok: Decimal | None
    cost_usd: Decimal | None


@dataclass(frozen=True)
class Explanation:
    """One request with everything that its cost and its owner were made from.

    Attributes:
        price: The price row; null where no row fits.
        ledger: What was listed, billed and effective for its workload, day and tier, of which it is a part.
        rule: The attribution rule that gave the owner; null where a tag or nothing did.
        load: The load that it came with.
    """

    request: Row
    tokens: list[PricedTokens]
    price: Row | None
    ledger: Row
    workload: Row
    rule: Row | None
    splits: list[Row]
    load: Row | None


def explain_request(request_id: str) -> None:
    """Prints the explanation of every request of this id: ids are unique within a source.

    Raises:
        TokenAtlasError: there is no such request; names those whose id is nearest.
    """
    for explanation in find_explanations(Settings.from_environment(), request_id):
        _print(explanation)


def find_explanations(settings: Settings, request_id: str) -> list[Explanation]:
    """The explanations of the requests of this request or response id.

    Raises:
        TokenAtlasError: there is no such request, or nothing is published yet.
    """
    with reading(settings.published_path) as connection:
        explanations = explanations_from(connection, request_id, settings.index_path)
        if not explanations:
            raise _unknown(connection, settings, request_id)
        return explanations


def explanations_from(connection: duckdb.DuckDBPyConnection, request_id: str, index: Path | None) -> list[Explanation]:
    """The explanations from published tables; none where there is no such request.

    Args:
        connection: To the published file.
        request_id: Of the request, or the provider's response id.
        index: The lake's index, for the rule as it was written and the file that was read. Without it both are null.
    """
    requests = _rows(
        connection,
        "select * from core.fct_llm_requests where request_id = $id or response_id = $id",
        {"id": request_id},
    )
    return [_explain(connection, index, request) for request in requests]


def _explain(connection: duckdb.DuckDBPyConnection, index: Path | None, request: Row) -> Explanation:
    prices = _rows(
        connection,
        "select * from core.dim_model_prices where price_id = $price_id and usage_date = $usage_date",
        {name: request[name] for name in ("price_id", "usage_date")},
    )
    price = prices[0] if prices else None
    scope = {name: request[name] for name in ("workload_id", "usage_date", "service_tier")}
    (ledger,) = _rows(connection, _LEDGER, scope)
    splits = _rows(connection, _SPLITS, scope)
    workloads = _rows(
        connection, "select * from core.dim_workloads where workload_id = $id", {"id": request["workload_id"]}
    )
    return Explanation(
        request,
        _priced_tokens(request, price),
        price,
        ledger,
        workloads[0] if workloads else {},
        None if index is None else _rule(index, request["allocation_rule_id"]),
        splits,
        None if index is None else _load(connection, index, request["load_id"]),
    )


_LEDGER = """
    select
        sum(list_cost_usd) as list_cost_usd, sum(billed_cost_usd) as billed_cost_usd,
        sum(effective_cost_usd) as effective_cost_usd, max(maturity) as maturity, max(calibration_basis) as basis
    from core.fct_cost_ledger
    where workload_id = $workload_id and usage_date = $usage_date and service_tier = $service_tier
        and evidence = 'logged' and charge_category = 'Usage'
"""
_SPLITS = """
    select team, feature, allocation_rule_id as split_id, sum(effective_cost_usd) as effective_cost_usd
    from core.fct_cost_ledger
    where workload_id = $workload_id and usage_date = $usage_date and service_tier = $service_tier
        and allocation_method = 'split'
    group by all order by effective_cost_usd desc
"""


def _priced_tokens(request: Row, price: Row | None) -> list[PricedTokens]:
    priced = []
    for token_type in TOKEN_TYPES:
        tokens = request[f"{token_type}_tokens"]
        if tokens:
            rate = price[f"{token_type}_usd_per_mtok"] if price else None
            cost = None if rate is None else tokens * rate / 1_000_000
            priced.append(PricedTokens(token_type, tokens, rate, cost))
    searches = request["web_search_requests"]
    if searches:
        rate = price["web_search_usd_per_thousand"] if price else None
        # Searches are priced by the thousand.
        priced.append(
            PricedTokens(
                "web_search",
                searches,
                None if rate is None else rate * 1000,
                None if rate is None else searches * rate / 1000,
            )
        )
    return priced


def _rule(index: Path, rule_id: str | None) -> Row | None:
    if rule_id is None or not index.exists():
        return None
    with live_rows(index, "config_attribution_rules") as lake:
        rules = _rows(
            lake, "select * exclude (_load_id, _loaded_at, _day) from live where rule_id = $id", {"id": rule_id}
        )
    return rules[0] if rules else None


def _load(connection: duckdb.DuckDBPyConnection, index: Path, load_id: str) -> Row | None:
    path = index.with_name("lake_loads.parquet")
    if not path.exists():
        return None
    loads = _rows(connection, f"select * from read_parquet('{path}') where load_id = $id", {"id": load_id})
    return loads[0] if loads else None


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: Row) -> list[Row]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _unknown(connection: duckdb.DuckDBPyConnection, settings: Settings, request_id: str) -> TokenAtlasError:
    kept = _dropped_duplicate(settings, request_id)
    if kept is not None:
        return TokenAtlasError(
            f"Request {request_id!r} was logged twice, and this log of it was dropped",
            where=f"matched by {kept['match_method']}",
            mend=f"tokenatlas explain {kept['kept_request_id']}   # the log that was kept ({kept['kept_source_name']})",
        )
    near = connection.execute(
        """
        select request_id from core.fct_llm_requests
        order by starts_with(request_id, $id) desc, jaro_winkler_similarity(request_id, $id) desc, request_id limit 3
        """,
        {"id": request_id},
    ).fetchall()
    return TokenAtlasError(
        f"There is no request {request_id!r}",
        where="core.fct_llm_requests, by request_id and response_id",
        mend=f"The nearest ids are {', '.join(row[0] for row in near)}." if near else "No request has been logged yet.",
    )


def _dropped_duplicate(settings: Settings, request_id: str) -> Row | None:
    try:
        with reading(settings.warehouse_path) as warehouse:
            dropped = _rows(
                warehouse,
                "select * from intermediate.int_request_duplicates where request_id = $id",
                {"id": request_id},
            )
    except (TokenAtlasError, duckdb.CatalogException):
        # A run is writing the warehouse, or there is none: then the near matches have to do.
        return None
    return dropped[0] if dropped else None


# ---------------------------------------------------------------- page


def _print(explanation: Explanation) -> None:
    request = explanation.request
    console.print(f"\n[bold]Request {escape(request['request_id'])}[/]  from the log {escape(request['source_name'])}")
    console.print(
        f"  {request['started_at']:%Y-%m-%d %H:%M:%S} UTC, {request['provider_name']} {request['model_name']} "
        f"({request['service_tier']}), account {request['account_id']}, project {request['project_id'] or '-'}, "
        f"key {request['api_key_id'] or '-'}",
        soft_wrap=True,
    )
    _print_list_cost(explanation)
    _print_effective_cost(explanation)
    _print_owner(explanation)
    _print_origin(explanation)


def _print_list_cost(explanation: Explanation) -> None:
    request, price = explanation.request, explanation.price
    rows = [
        [
            part.token_type,
            f"{part.tokens:,}",
            "no price" if part.usd_per_mtok is None else f"x ${_plain(part.usd_per_mtok)} / million",
            "-" if part.cost_usd is None else f"= ${_plain(part.cost_usd)}",
        ]
        for part in explanation.tokens
    ]
    rows.append(["list cost", "", "", _dollars(request["list_cost_usd"])])
    console.print()
    console.print(table("1. Tokens x price = list cost", ["", "tokens", "price", "cost"], rows, right=[1, 2, 3]))
    if request["price_status"] != "priced":
        console.print(f"  {request['price_status']}: {_WHY_UNPRICED.get(request['price_status'], '')}", soft_wrap=True)
    if price is not None:
        band = (
            f"{price['min_input_tokens']:,} to below {price['max_input_tokens']:,} input tokens"
            if price["max_input_tokens"]
            else f"from {price['min_input_tokens']:,} input tokens"
        )
        console.print(
            f"  Price row {price['price_id'][:12]}: {price['model_id']}, {price['service_tier']}, in force "
            f"{price['valid_from_date']} to {price['valid_to_date']}, {band}; source {price['price_source']}"
            + (f", {price['price_source_url']}" if price["price_source_url"] else ""),
            soft_wrap=True,
        )
    if request["reported_cost_usd"] is not None:
        console.print(f"  The log itself says {_dollars(request['reported_cost_usd'])}; it is kept, and not used.")


def _print_effective_cost(explanation: Explanation) -> None:
    request, ledger = explanation.request, explanation.ledger
    console.print("\n[bold]2. List cost x calibration = effective cost[/]")
    if request["list_cost_usd"] is None or request["effective_cost_usd"] is None:
        console.print("  Unknown: there is no list cost to go by.")
        return
    ratio = ledger["effective_cost_usd"] / ledger["list_cost_usd"] if ledger["list_cost_usd"] else None
    shown = "" if ratio is None else f" x {ratio:.6f}"
    console.print(
        f"  {_dollars(request['list_cost_usd'])}{shown} = [bold]{_dollars(request['effective_cost_usd'])}[/]",
        highlight=False,
    )
    whole = (
        f"All logged use of this workload on {request['usage_date']} in this tier lists at "
        f"{_dollars(ledger['list_cost_usd'])}"
    )
    if ledger["maturity"] == "estimated":
        basis = {"model": "this model", "account": "this account"}.get(ledger["basis"] or "", "nothing yet: list price")
        console.print(
            "  The bill of that day has not settled. The ratio is billed / list over the trailing settled days of "
            f"{basis}. {whole}.",
            soft_wrap=True,
        )
    else:
        console.print(
            f"  {whole}, and {_dollars(ledger['billed_cost_usd'])} was billed for it ({ledger['maturity']}).",
            soft_wrap=True,
        )


def _print_owner(explanation: Explanation) -> None:
    request, rule = explanation.request, explanation.rule
    console.print("\n[bold]3. Owner[/]")
    owner = ", ".join(
        f"{name} [bold]{escape(str(request[name]))}[/]"
        for name in ("team", "feature", "environment", "customer_id")
        if request[name] is not None
    )
    console.print(f"  {owner}")
    if request["allocation_method"] == "rule" and rule is not None:
        pattern = {
            name.removesuffix("_pattern"): value
            for name, value in rule.items()
            if (name.endswith("_pattern") or name == "tag_patterns_json") and value is not None
        }
        console.print(
            f"  By rule {rule['rule_id']} (priority {rule['priority']}): {escape(json.dumps(pattern))}"
            + (f". {escape(rule['comment'])}" if rule["comment"] else ""),
            soft_wrap=True,
        )
    elif request["allocation_method"] == "tag":
        tags = {
            name: value for name, value in explanation.workload.items() if name.endswith("_tag") and value is not None
        }
        console.print(f"  By its tags: {escape(json.dumps(tags))}", soft_wrap=True)
    elif request["allocation_method"] == "unattributed":
        console.print("  No tag names a known team and no rule matches. Mend: a row in attribution_rules.csv.")
    for split in explanation.splits:
        console.print(
            f"  Shared by split {split['split_id']}: {split['team']} / {split['feature']} "
            f"{_dollars(split['effective_cost_usd'])} of the workload's day",
            soft_wrap=True,
        )


def _print_origin(explanation: Explanation) -> None:
    request, load = explanation.request, explanation.load
    console.print("\n[bold]4. Where it was read[/]")
    if load is None:
        console.print(f"  Load {request['load_id']}, line {request['file_line']}", soft_wrap=True)
        return
    console.print(
        f"  {escape(load['file_name'])}, line {request['file_line']}; load {load['load_id']} of "
        f"{load['loaded_at']:%Y-%m-%d %H:%M} UTC: {load['rows_received']:,} rows = "
        f"{load['rows_admitted']:,} admitted + {load['rows_quarantined']:,} quarantined + "
        f"{load['rows_duplicate']:,} duplicate",
        soft_wrap=True,
    )


def _dollars(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"${_plain(amount)}"


def _plain(amount: Decimal) -> str:
    text = f"{amount:,.12f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:<02}"
