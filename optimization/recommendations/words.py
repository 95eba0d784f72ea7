"""Titles, evidence and steps of recommendations, in words that their owner can act on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


def usd(amount: Any) -> str:
    """Dollars for a sentence."""
    if amount is None:
        return "an unknown amount"
    size = abs(Decimal(str(amount)))
    shown = f"{size:,.0f}" if size >= 100 else f"{size:,.2f}" if size >= Decimal("0.1") else f"{float(size):.2g}"
    return f"{'-' if amount < 0 else ''}${shown}"


def percent(ratio: Any) -> str:
    return "an unknown share" if ratio is None else f"{float(ratio) * 100:.0f} %"


def _of(row: Row) -> str:
    names = (row.get(name) for name in ("feature", "team", "provider_name"))
    return str(next((name for name in names if name and name != "unattributed"), "all use"))


# ---------------------------------------------------------------- models


def swap_title(row: Row, *, is_proven: bool) -> str:
    verb = "Move" if is_proven else "Test moving"
    old, new = row["service_tier"] or "standard", row["candidate_service_tier"] or "standard"
    if row["model_id"] == row["candidate_model_id"]:
        return f"{verb} {_of(row)} on {row['model_id']} from the {old} to the {new} tier"
    tier = "" if new == old else f" at the {new} tier"
    return f"{verb} {_of(row)} from {row['model_id']} to {row['candidate_model_id']}{tier}"


def swap_evidence(row: Row, chance: Decimal) -> str:
    finding = str(row.get("finding") or "").strip()
    if chance < 1:
        finding += f" It counts as {percent(chance)} of that, the chance given to a model that is still to be tested."
    costs = (
        f"{float(row['request_count_per_month'] or 0):,.0f} requests a month cost "
        f"{usd(row['current_cost_usd_per_month'])} and would cost {usd(row['candidate_cost_usd_per_month'])} there."
    )
    return f"{costs} {finding}".strip()


def swap_steps(row: Row, *, is_proven: bool) -> str:
    new, old = row["candidate_model_id"], row["model_id"]
    if is_proven:
        return (
            f"Set the model of {_of(row)} to {new} for a tenth of the traffic, compare success rate and cost for some "
            f"days in finops.mart_model_efficiency, then move the rest. Keep {old} as the fallback."
        )
    needed = row.get("required_success_rate") or row.get("break_even_success_rate")
    must = "" if needed is None else f" It pays if at least {percent(needed)} of attempts succeed."
    return (
        f"Run an experiment: add it to config/experiments.csv and send half of the traffic of {_of(row)} to {new}."
        f"{must} finops.mart_experiments says when it can be decided."
    )


# ---------------------------------------------------------------- caches


def _prompt(row: Row) -> str:
    return f" ({row['prompt_name']})" if row.get("prompt_name") else ""


def cache_reuse_title(row: Row) -> str:
    return f"Let {_of(row)}{_prompt(row)} read its repeated prefix from the cache on {row['model_id']}"


def cache_reuse_evidence(row: Row, days: int) -> str:
    reason = f" Reason: {row['missed_reason']}." if row.get("missed_reason") else ""
    paid = usd(row["missed_usd"])
    return f"In the last {days} days {paid} was paid for input that could have been read from a cache.{reason}"


def cache_reuse_steps(row: Row) -> str:
    if row["provider_name"] == "anthropic":
        return (
            "Put what never changes (system prompt, tools, documents) first, and set cache_control on its last block; "
            "keep dates, names and ids behind it. Check cache_hit_ratio in finops.mart_cache_economics_daily."
        )
    return (
        "Put what never changes (system prompt, tools, examples) first and keep dates, names and ids behind it; give "
        "requests of one prompt the same prompt_cache_key. Check cache_hit_ratio in finops.mart_cache_economics_daily."
    )


def cache_write_title(row: Row) -> str:
    return f"Stop writing caches that {_of(row)}{_prompt(row)} does not read on {row['model_id']}"


def cache_write_evidence(row: Row, days: int) -> str:
    return (
        f"In the last {days} days writing caches cost {usd(row['write_premium_usd'])} more than plain input, and "
        f"reading them saved {usd(row['read_saving_usd'])}."
    )


CACHE_WRITE_STEPS = (
    "Remove cache_control where a prefix is used once, or move the breakpoint to the part that does repeat; use the "
    "one-hour cache only where uses are more than five minutes apart. break_even_reuse in "
    "finops.mart_cache_economics_daily says how often a prefix must be read to pay."
)


# ---------------------------------------------------------------- waste


@dataclass(frozen=True)
class Waste:
    """``title`` and ``told`` are filled in with the scope; ``told`` continues "In the last 28 days"."""

    title: str
    told: str
    steps: str


WASTE = {
    "billed_failure": Waste(
        "Stop paying for failures of {scope}",
        "{count} requests of it failed and were billed",
        "Look at error_type in core.fct_llm_requests for this feature: cut off earlier what cannot succeed (limits, "
        "invalid input), and set a time limit on the client.",
    ),
    "billed_retry": Waste(
        "Retry less in {scope}",
        "{count} requests of it were repeats that were billed",
        "Retry with back-off and jitter, at most twice, only for errors that a repeat can mend; honour Retry-After.",
    ),
    "aborted_stream": Waste(
        "Stop streams of {scope} that nobody reads",
        "{count} streams of it were given up after they had cost something",
        "Cancel the request at the provider when the reader leaves, and show first words sooner: a smaller max_tokens "
        "or a faster model.",
    ),
    "output_cut": Waste(
        "Raise or lower the output limit of {scope}",
        "{count} answers of it were cut at the limit, and had to be paid all the same",
        "Raise max_tokens to what answers need, or ask for shorter ones in the prompt.",
    ),
    "duplicate_prompt": Waste(
        "Answer repeated prompts of {scope} from a store",
        "{count} requests of it repeated a prompt that had been answered",
        "Keep answers by a hash of model and prompt for as long as they stay true, and look there first.",
    ),
    "batch_eligible": Waste(
        "Run {scope} as batch",
        "{count} requests of it ran at full price although nobody waits for them",
        "Send them through the batch interface: half the price, within 24 hours.",
    ),
    "flex_eligible": Waste(
        "Run {scope} at the flex tier",
        "{count} requests of it ran at full price although they can wait for minutes",
        "Set service_tier to flex and allow for longer answers; fall back to the standard tier when flex is full.",
    ),
    "idle_capacity": Waste(
        "Use or give back prepaid capacity of {scope}",
        "capacity that was paid for was not used",
        "Move traffic to it, or lower it at the next renewal.",
    ),
    "oversized_context": Waste(
        "Shorten the context of {scope}",
        "{count} requests of it carried far more input than is usual for it",
        "Cut history and documents to what the answer needs; retrieve fewer passages, and stay below the size from "
        "which long context is dearer.",
    ),
}  # fmt: skip


def _scope(row: Row) -> str:
    return f"{_of(row)} on {row['model_id']}" if row.get("model_id") and row.get("feature") else _of(row)


def waste_title(row: Row) -> str:
    return WASTE[row["waste_kind"]].title.format(scope=_scope(row))


def waste_evidence(row: Row, days: int) -> str:
    told = WASTE[row["waste_kind"]].told.format(count=f"{float(row['request_count'] or 0):,.0f}")
    more = f" Seen: {row['evidence']}." if row.get("evidence") else ""
    return f"In the last {days} days {told}: {usd(row['recoverable_usd'])} can be had back.{more}"


# ---------------------------------------------------------------- prompts


def prompt_title(row: Row) -> str:
    return f"Mend or take back {row['prompt_version']} of {row['prompt_name']}"


def prompt_evidence(row: Row) -> str:
    reasons = f" ({row['regression_reasons']})" if row.get("regression_reasons") else ""
    finding = str(row.get("finding") or "").strip()
    return f"{row['prompt_version']} is worse than {row['previous_prompt_version']}{reasons}. {finding}".strip()


def prompt_steps(row: Row) -> str:
    return (
        f"Compare the texts of {row['prompt_version']} and {row['previous_prompt_version']}: what made it longer, or "
        f"less often right? Take back {row['previous_prompt_version']} until that is mended, or try the mended one as "
        "an experiment against it."
    )


# ---------------------------------------------------------------- experiments


def experiment_title(row: Row, *, is_better: bool) -> str:
    if is_better:
        return f"Roll out {row['variant']} of {row['experiment_id']}"
    return f"Stop {row['variant']} of {row['experiment_id']}"


def experiment_evidence(row: Row) -> str:
    return str(row.get("finding") or "The experiment can be decided.").strip()


def experiment_steps(row: Row, *, is_better: bool) -> str:
    control = row.get("control_variant") or "the control"
    todo = f"Give all traffic of {_of(row)} to {row['variant']}" if is_better else f"Give all traffic back to {control}"
    return f"{todo}, and write the decision into config/experiments.csv."


# ---------------------------------------------------------------- commitments


def commitment_title(row: Row) -> str:
    name = row["budget_name"] or row["budget_id"]
    return f'Use up "{name}" by {row["period_end_date"]}, or renegotiate it'


def commitment_evidence(row: Row) -> str:
    return (
        f"{usd(row['projected_p50_usd'])} of {usd(row['budget_usd'])} will probably be used by "
        f"{row['period_end_date']}; the rest is usually lost."
    )


COMMITMENT_STEPS = (
    "Move use to this provider where finops.mart_model_swaps says that costs little, ask for the rest to be carried "
    "over, and commit to less the next time."
)
