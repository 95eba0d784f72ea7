"""What the logs say of prompts and answers: true at the rates that are planted, and free of side effects."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandbox import prompts
from sandbox.world import World, advance
from tests.unit.sandbox.test_world import TINY, build, query


def test_answers_are_cut_and_refused_at_known_rates(world: World) -> None:
    """Of chat answers, and of nothing that was not answered; embeddings have no end to speak of."""
    [(answers, cut, refused, others, spoken)] = query(
        world,
        """
        select
            count(*) filter (where status_code = 200 and operation_name = 'chat' and error_type is null),
            count(*) filter (where finish_reason = 'length'),
            count(*) filter (where (finish_reason = 'content_filter') <> (coalesce(error_type, '') = 'refusal')),
            count(*) filter (where finish_reason is not null and status_code <> 200),
            count(*) filter (where finish_reason is not null and operation_name = 'embeddings')
        from requests
        """,
    )
    assert cut / answers == pytest.approx(prompts.CUT_RATE, abs=0.006)
    assert (refused, others, spoken) == (0, 0, 0)


def test_equal_prompts_are_equal_inputs(world: World) -> None:
    """Requests with one hash are attempts of one call, or repeats with as many tokens to the same model on one day."""
    [(groups, impossible, repeats, marked)] = query(
        world,
        """
        with used as (
            select *, total_tokens - output_tokens - audio_output_tokens as input_tokens from requests where is_metered
        ),
        grouped as (
            select count(*) as requests, count(distinct (feature, model_name, usage_date, input_tokens)) as kinds
            from used group by prompt_hash
        )
        select count(*), count(*) filter (where kinds > 1), sum(requests - 1),
            (select count(*) filter (where is_repeated_prompt) from requests)
        from grouped
        """,
    )
    assert groups > 0
    assert impossible == 0
    assert repeats == marked > 0
    assert query(world, "select count(*) from requests where attempt = 2 and attempt_number <> 2") == [(0,)]


def test_attempts_of_a_call_share_their_prompt(world: World) -> None:
    """A retry sends the same input again."""
    [(retries, unmatched)] = query(
        world,
        """
        select count(*), count(*) filter (where not exists (
            select 1 from requests as first
            where first.attempt = 1 and first.prompt_hash = second.prompt_hash and first.trace_id = second.trace_id
        )) from requests as second where attempt = 2
        """,
    )
    assert retries > 0
    assert unmatched == 0


def test_a_prefix_is_a_part_of_the_input_and_one_per_revision(world: World) -> None:
    """It is never longer than what was sent, and changes with the prompt and the arm of an experiment only."""
    [(longer, kinds, hashes)] = query(
        world,
        """
        select
            count(*) filter (where prefix_tokens > total_tokens - output_tokens - audio_output_tokens),
            count(distinct (prefix_hash, feature, prefix_tokens)), count(distinct prefix_hash)
        from requests where prefix_hash is not null
        """,
    )
    assert longer == 0
    assert kinds == hashes > 10


def test_a_company_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """The truth of days that were written before these columns is null there, and nothing else changes."""
    world = build(tmp_path, TINY)
    path = world.truth / "requests.parquet"
    earlier = pq.read_table(path)
    pq.write_table(earlier.drop_columns(["prompt_hash", "prefix_tokens", "is_streaming"]), path)
    advance(world)
    later = pq.read_table(path)
    assert later.column_names == earlier.column_names
    assert later["prompt_hash"].null_count == later["is_streaming"].null_count == len(earlier)
    assert later["list_cost_usd"].slice(0, len(earlier)).equals(earlier["list_cost_usd"])
