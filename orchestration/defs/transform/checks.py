"""Does the ledger tie out? If not, nothing after it runs and nothing is published."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import TokenAtlasResource
from orchestration.markdown import markdown_table
from orchestration.warehouse import reading

CHECKED_MARTS = (
    "mart_spend_daily",
    "mart_kpis_daily",
    "mart_reconciliation",
    "mart_budget_status",
    "mart_forecast_daily",
)
"""The marts that have a suite in ``ingestion/expectations``; named here because importing the suites takes seconds."""

LEDGER = dg.AssetKey(["core", "fct_cost_ledger"])

_GAPS = """
    with
    ledger as (
        select provider_name, account_id, usage_date, sum(billed_cost_usd) as ledger_usd
        from core.fct_cost_ledger group by all
    ),
    charges as (
        select provider_name, billing_account_id as account_id, charge_period_start_date as usage_date,
            sum(billed_cost_usd) as charged_usd
        from core.fct_provider_charges group by all
    )
    select
        coalesce(ledger.provider_name, charges.provider_name) as provider_name,
        coalesce(ledger.account_id, charges.account_id) as account_id,
        coalesce(ledger.usage_date, charges.usage_date) as usage_date,
        coalesce(ledger_usd, 0) as ledger_usd,
        coalesce(charged_usd, 0) as charged_usd
    from ledger
    full outer join charges
        on ledger.provider_name = charges.provider_name
        and ledger.account_id = charges.account_id
        and ledger.usage_date = charges.usage_date
    order by usage_date, provider_name, account_id
"""


@dg.asset_check(
    asset=LEDGER,
    blocking=True,
    description="Billed cost in the ledger equals the provider's lines, per account and day, to the last decimal.",
)
def ledger_equals_the_bill(atlas: TokenAtlasResource) -> dg.AssetCheckResult:
    """Invariant 1 of the design."""
    with reading(atlas.settings().warehouse_path) as connection:
        days = connection.execute(_GAPS)
        names = [column[0] for column in days.description or []]
        rows = days.fetchall()
    gaps = [row for row in rows if row[3] != row[4]]
    metadata: dict[str, dg.MetadataValue | int | float] = {
        "days compared": len(rows),
        "billed_usd": float(round(sum(row[4] for row in rows), 2)),
    }
    if gaps:
        metadata["days that differ"] = dg.MetadataValue.md(markdown_table(names, gaps[:20]))
    return dg.AssetCheckResult(passed=not gaps, metadata=metadata)


@dg.multi_asset_check(
    name="marts_keep_their_suites",
    specs=[
        dg.AssetCheckSpec(
            "great_expectations",
            asset=dg.AssetKey(["finops", mart]),
            blocking=True,
            description="The last three months of the mart keep their Great Expectations suite.",
        )
        for mart in CHECKED_MARTS
    ],
)
def marts_keep_their_suites(atlas: TokenAtlasResource) -> Iterator[dg.AssetCheckResult]:
    """Reports each mart, and writes its page. One that breaks its suite is not published."""
    # Great Expectations takes seconds to import, and opening the graph does not need it.
    from orchestration.quality import check_marts, data_docs_path

    settings = atlas.settings()
    for report in check_marts(settings):
        yield dg.AssetCheckResult(
            asset_key=["finops", report.name],
            passed=report.success,
            description="; ".join(str(finding) for finding in report.findings),
            metadata={
                "expectations": report.expectation_count,
                "rows": report.row_count,
                "not met": dg.MetadataValue.json([str(finding) for finding in report.findings]),
                "page": dg.MetadataValue.path(data_docs_path(settings) / f"{report.name}.html"),
            },
        )


MOST_UNMATCHED = 0.1
"""Share of the outcomes of the last 30 days that may belong to no request before it is a warning."""


@dg.asset_check(
    asset=dg.AssetKey(["core", "fct_outcomes"]),
    description="At most 10 % of the outcomes of the last 30 days of the data belong to no request.",
)
def outcomes_have_requests(atlas: TokenAtlasResource) -> dg.AssetCheckResult:
    """Warns: what is unmatched counts in no cost per outcome; `tokenatlas doctor` lists it and says how to mend it."""
    with reading(atlas.settings().warehouse_path) as connection:
        rows = connection.execute(
            """
            select source_name, count(*) as outcomes, count(*) filter (where matched_by = 'unmatched') as unmatched,
                min(outcome_id) filter (where matched_by = 'unmatched') as example
            from core.fct_outcomes
            where outcome_date > (select max(outcome_date) from core.fct_outcomes) - 30
            group by source_name order by source_name
            """
        ).fetchall()
    outcomes, unmatched = (sum(row[column] for row in rows) for column in (1, 2))
    share = unmatched / outcomes if outcomes else 0.0
    return dg.AssetCheckResult(
        passed=share <= MOST_UNMATCHED,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{unmatched} of {outcomes} outcomes belong to no request; tokenatlas doctor says why",
        metadata={
            "unmatched_ratio": share,
            "sources": dg.MetadataValue.md(markdown_table(["source", "outcomes", "unmatched", "example"], rows)),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["finops", "mart_kpis_daily"]),
    description="Attributed cost of all cost over the last 30 days of the data is at least 90 %.",
)
def cost_has_owners(atlas: TokenAtlasResource) -> dg.AssetCheckResult:
    """Warns: an owner that is missing is mended in the rules, and what is published says `unattributed`."""
    with reading(atlas.settings().warehouse_path) as connection:
        ((total, unattributed),) = connection.execute(
            """
            select sum(effective_cost_usd), sum(effective_cost_usd) filter (where team = 'unattributed')
            from core.fct_cost_ledger
            where usage_date > (select max(usage_date) from core.fct_cost_ledger) - 30
            """
        ).fetchall()
    share = 1 - float((unattributed or 0) / total) if total else None
    return dg.AssetCheckResult(
        passed=share is None or share >= 0.9,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"attributed_ratio": share} if share is not None else {},
    )
