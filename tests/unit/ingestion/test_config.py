"""The configuration is refused with every problem at once, or it is right."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.config import Config, FileSource, ProviderSource, api_key, land_config, load_config
from ingestion.errors import ConfigError
from ingestion.lake import Lake
from ingestion.settings import Settings

NOW = datetime(2026, 11, 23, tzinfo=UTC)

HEADERS = {
    "teams.csv": "team,team_name,cost_center,owner_email,aliases",
    "features.csv": "feature,feature_name,team,aliases",
    "attribution_rules.csv": (
        "rule_id,priority,provider_name,account_id,project_id,api_key_id,model_id,service_name,tags,team,feature,"
        "environment,customer_id,valid_from_date,valid_to_date,comment"
    ),
    "cost_splits.csv": (
        "split_id,from_team,from_feature,split_method,to_team,to_feature,weight,valid_from_date,valid_to_date"
    ),
    "budgets.csv": (
        "budget_id,budget_name,team,feature,environment,provider_name,model_id,customer_id,period,amount,currency,"
        "is_hard_cap,thresholds,owner_email,channel,valid_from_date,valid_to_date"
    ),
    "invoices.csv": "invoice_id,provider_name,account_id,period_start_date,period_end_date,total_amount,currency",
    "fx_rates.csv": "currency,rate_date,usd_per_unit",
    "price_overrides.csv": (
        "provider_name,model_name,service_tier,token_type,valid_from_date,valid_to_date,min_input_tokens,"
        "max_input_tokens,usd_per_mtok,source_url,checked_date"
    ),
}
TEAMS = ("search,Search,CC-1,s@acme.example,find;suche", "platform,Platform,CC-2,,")
SOURCES = """
sources:
  openai:
    type: openai_admin
    account_id: acme-openai
    base_url: ${OPENAI_URL:-https://api.openai.com/v1}
    start_date: 2026-06-01
"""

Write = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sources.yml").write_text("sources:\n")
    return Settings(home=tmp_path / "home", config=tmp_path / "config", now=NOW, is_clock_fixed=True)


@pytest.fixture
def write(settings: Settings) -> Write:
    """Write rows below the header of a configuration CSV, or the text of sources.yml."""

    def write(name: str, *lines: str) -> None:
        text = "\n".join([HEADERS[name], *lines]) if name in HEADERS else "\n".join(lines)
        (settings.config / name).write_text(text + "\n")

    return write


def load(settings: Settings, environment: Mapping[str, str] | None = None) -> Config:
    return load_config(settings, environment or {})


def problems(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(settings, environment)
    return str(caught.value)


# ---------------------------------------------------------------- as shipped


def test_the_shipped_templates_load_without_any_key(settings: Settings, repository: Path) -> None:
    """A fresh checkout is a valid configuration of nothing."""
    shutil.rmtree(settings.config)
    shutil.copytree(repository / "config", settings.config)
    config = load(settings)
    assert config.sources == ()
    assert config.warnings == ()


def test_the_shipped_templates_have_the_documented_headers(repository: Path) -> None:
    """Header rows are what users start from, in the order of the documentation."""
    for name, header in HEADERS.items():
        # Here as written by earlier versions: see test_config_budgets.py, and the wait of a feature below.
        if name not in ("budgets.csv", "features.csv"):
            assert (repository / "config" / name).read_text().splitlines()[0] == header


def test_the_commented_sources_of_the_template_are_right(settings: Settings, repository: Path) -> None:
    """Taking away the # gives sources that load."""
    lines = (repository / "config" / "sources.yml").read_text().splitlines()
    start = lines.index("sources:")
    (settings.config / "sources.yml").write_text("\n".join(line.replace("# ", "", 1) for line in lines[start:]))
    assert [source.name for source in load(settings).sources] == ["openai", "anthropic", "gateway"]


def test_the_env_file_example_names_what_the_code_reads(repository: Path) -> None:
    """Every variable of .env.example is one that settings or the template sources use."""
    text = (repository / ".env.example").read_text()
    for name in ("OPENAI_ADMIN_KEY", "ANTHROPIC_ADMIN_KEY", "TOKENATLAS_HOME", "TOKENATLAS_CONFIG", "TOKENATLAS_NOW"):
        assert name in text


def test_files_that_are_not_there_are_empty(settings: Settings) -> None:
    """Only sources.yml is needed."""
    config = load(settings)
    assert (config.teams, config.budgets, config.invoices) == ((), (), ())


# ---------------------------------------------------------------- sources


def test_a_provider_source_has_its_defaults(settings: Settings, write: Write) -> None:
    """What is not written is the provider's own address and the documented trailing days."""
    write("sources.yml", SOURCES)
    (source,) = load(settings).provider_sources
    assert source == ProviderSource(
        source_name="openai",
        type="openai_admin",
        provider_name="openai",
        account_id="acme-openai",
        base_url="https://api.openai.com/v1",
        api_key_env="OPENAI_ADMIN_KEY",
        start_date=date(2026, 6, 1),
        trailing_days={"costs": 35, "usage": 7},
        bucket_width="1d",
        settles_after_hours=48,
        preference=100,
    )


def test_variables_are_expanded_in_every_text(settings: Settings, write: Write) -> None:
    """${VAR} comes from the environment, ${VAR:-default} has a default, and TOKENATLAS_HOME is that of the settings."""
    write(
        "sources.yml",
        SOURCES,
        "  gateway: {type: files, table: requests, format: jsonl, path: '${TOKENATLAS_HOME}/inbox/*.gz',",
        "    mapping: {started_at: at, provider_name: by, model_name: {constant: '${MODEL}'}}}",
    )
    openai, gateway = load(settings, {"OPENAI_URL": "http://127.0.0.1:9", "MODEL": "gpt-5"}).sources
    assert isinstance(openai, ProviderSource)
    assert isinstance(gateway, FileSource)
    assert openai.base_url == "http://127.0.0.1:9"
    assert gateway.path == f"{settings.home}/inbox/*.gz"
    assert gateway.mapping["model_name"] == {"constant": "gpt-5"}
    assert (gateway.account_id, gateway.preference) == (None, 100)


def test_a_relative_path_starts_at_the_configuration(settings: Settings, write: Write) -> None:
    """The same file is meant whatever folder the command runs in."""
    write(
        "sources.yml",
        "sources:",
        "  crm: {type: files, table: outcomes, format: csv, path: in/a.csv,",
        "    mapping: {occurred_at: at, outcome_name: name}}",
    )
    (source,) = load(settings).file_sources
    assert source.path == str(settings.config / "in" / "a.csv")


def test_a_variable_that_is_not_set_is_named_with_its_key(settings: Settings, write: Write) -> None:
    """The error says which variable, which key and which line."""
    write("sources.yml", "sources:", "  openai:", "    type: openai_admin", "    base_url: ${NOWHERE}")
    assert "NOWHERE is not set" in (text := problems(settings))
    assert "sources.yml:4 sources.openai.base_url" in text


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{type: openai_admin, start_date: 2026-06-01, trailing: 3}", "there is no key 'trailing' here"),
        ("{type: openai_admin, start_date: 2026-06-01, trailing_days: {cost: 3}}", "there is no key 'cost' here"),
        ("{type: openai_admin, start_date: 2026-06-01, api_key: sk-123}", "never write a secret into this file"),
        ("{type: openai_admin, start_date: 2026-06-01, api_key_env: sk-admin-123}", "not the name of an environment"),
        ("{type: openai_admin}", "start_date is missing"),
        ("{type: openai_admin, start_date: yesterday}", "date"),
        ("{type: openai_admin, start_date: 2026-06-01, base_url: api.openai.com}", "base_url"),
        ("{type: openai_admin, start_date: 2026-06-01, bucket_width: 1m}", "bucket_width"),
        ("{type: openai, start_date: 2026-06-01}", "set type to openai_admin, anthropic_admin or files"),
        ("{start_date: 2026-06-01}", "set type to openai_admin, anthropic_admin or files"),
        ("{type: files, table: request, format: jsonl, path: a, mapping: {}}", "table"),
        ("{type: files, table: requests, format: jsonl, mapping: {}}", "path is missing"),
        ("{type: openai_admin, type: files}", "the key comes twice"),
    ],
)
def test_a_wrong_source_is_told_by_file_line_and_key(
    settings: Settings, write: Write, entry: str, message: str
) -> None:
    """Each error names its line and what to write instead, and never shows a value that may be a secret."""
    write("sources.yml", "sources:", f"  mine: {entry}")
    text = problems(settings)
    assert message in text
    assert "sources.yml:2 sources.mine" in text
    assert "123" not in text


@pytest.mark.parametrize("name", ["config", "prices", "forecasting", "../up", "_manifest"])
def test_a_source_has_a_name_that_the_lake_can_use(settings: Settings, write: Write, name: str) -> None:
    """Names of our own streams, and names that are no folder names, are refused."""
    write("sources.yml", "sources:", f"  {name}: {{type: openai_admin, start_date: 2026-06-01}}")
    assert "name" in problems(settings)


def test_an_account_is_pulled_once(settings: Settings, write: Write) -> None:
    """Two sources on one account would count its bill twice."""
    write("sources.yml", SOURCES, SOURCES.split("sources:\n")[1].replace("openai:", "again:", 1))
    assert "the source openai already pulls this account" in problems(settings)


def test_all_wrong_keys_of_all_sources_are_told_at_once(settings: Settings, write: Write) -> None:
    """One run shows what one would otherwise find in three."""
    write("sources.yml", "sources:", "  a: {type: openai_admin, x: 1}", "  b: {type: anthropic_admin, y: 1}")
    text = problems(settings)
    assert "4 problems" in text
    assert "sources.a.x" in text
    assert "sources.b.y" in text


@pytest.mark.parametrize("text", ["sources: [", "sources:\n\topenai: x", "sources: {a: }}"])
def test_a_file_that_is_not_yaml_is_told_with_its_line(settings: Settings, write: Write, text: str) -> None:
    """A slip of the keyboard gives a line number, not a stack trace."""
    write("sources.yml", text)
    assert "this is not YAML" in problems(settings)


def test_a_folder_without_sources_says_what_to_create(settings: Settings) -> None:
    """A missing sources.yml, and a missing folder, are told as such."""
    (settings.config / "sources.yml").unlink()
    assert "create it" in problems(settings)
    settings.config.rmdir()
    assert "set TOKENATLAS_CONFIG" in problems(settings)


def test_a_key_comes_from_the_environment_only(settings: Settings, write: Write) -> None:
    """The key is in no dataclass, and a missing one is told by the name of its variable."""
    write("sources.yml", SOURCES)
    (source,) = load(settings, {"OPENAI_ADMIN_KEY": "sk-admin-secret"}).provider_sources
    assert "secret" not in repr(source)
    assert api_key(source, {"OPENAI_ADMIN_KEY": "sk-admin-secret"}) == "sk-admin-secret"
    with pytest.raises(ConfigError, match="OPENAI_ADMIN_KEY"):
        api_key(source, {"OPENAI_ADMIN_KEY": " "})


def test_a_source_is_found_by_its_name(settings: Settings, write: Write) -> None:
    """An unknown name gives the names that there are."""
    write("sources.yml", SOURCES)
    assert load(settings).source("openai").account_id == "acme-openai"
    with pytest.raises(ConfigError, match="the sources are: openai"):
        load(settings).source("opnai")


# ---------------------------------------------------------------- CSV files


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("teams.csv", ",Search,,,", "teams.csv:2 team: the cell is blank"),
        ("teams.csv", "search,Search", "teams.csv:2: the line has 2 cells, the header 5"),
        (
            "attribution_rules.csv",
            "r1,first,,,,,,,,t,,,,,,",
            "attribution_rules.csv:2 priority: 'first' is not a whole",
        ),
        ("attribution_rules.csv", "r1,1,openai,,,,,,,,,,,,,", "attribution_rules.csv:2: the rule gives no owner"),
        ("attribution_rules.csv", "r1,1,prefix:,,,,,,,t,,,,,,", "provider_name: 'prefix:' has no text to match"),
        ("attribution_rules.csv", "r1,1,,,,,,,a,t,,,,,,", "tags: 'a' is not of the form key=pattern"),
        ("attribution_rules.csv", "r1,1,,,,,,,a=1;a=2,t,,,,,,", "the tag 'a' comes twice"),
        ("attribution_rules.csv", "r1,1,openai,,,,,,,t,,,,2026-02-01,2026-01-31,", "the span ends before it begins"),
        ("budgets.csv", "b,B,,,,,,,month,1e3,USD,,,,,,", "budgets.csv:2 amount: '1e3' is not a decimal"),
        ("budgets.csv", 'b,B,,,,,,,month,"1,000",USD,,,,,,', "'1,000' is not a decimal"),
        ("budgets.csv", "b,B,,,,,,,month,-5,USD,,,,,,", "amount: -5 is not above zero"),
        ("budgets.csv", "b,B,,,,,,,week,5,USD,,,,,,", "period: 'week' is not allowed; one of: month, quarter"),
        ("budgets.csv", "b,B,,,,,,,custom,5,USD,,,,,2026-01-01,", "a custom period has no end of its own"),
        ("budgets.csv", "b,B,,,,,,,month,5,dollars,,,,,,", "currency: 'dollars' is not a currency"),
        ("budgets.csv", "b,B,,,,,,,month,5,USD,perhaps,,,,,", "is_hard_cap: 'perhaps' is neither true nor false"),
        ("budgets.csv", "b,B,,,,,,,month,5,USD,,0.5;x,,,,", "thresholds: 'x' is not a decimal"),
        ("budgets.csv", "b,B,,,,,,,month,5,USD,,,,,01/02/2026,", "'01/02/2026' is not a date; write it as 2026-01-31"),
        ("budgets.csv", "b,B,,,,,,,month,5,USD,,,,,2026-02-30,", "'2026-02-30' is not a date"),
        ("cost_splits.csv", "s,platform,,fixed,search,,,,", "weight: a fixed split needs a weight above zero"),
        ("cost_splits.csv", "s,platform,,fixed,search,,0.9,,", "the weights of s (lines 2) sum to 0.9, not to 1"),
        ("cost_splits.csv", "s,platform,,even,search,,0.9,,", "weight: the weight of a split by even has no effect"),
        ("cost_splits.csv", "s,platform,,evenly,search,,,,", "split_method: 'evenly' is not allowed"),
        ("invoices.csv", "i,openai,acme,2026-01-31,2026-01-01,5,USD", "the span ends before it begins"),
        ("invoices.csv", "i,openai,acme,,2026-01-01,5,USD", "period_start_date: '' is not a date"),
        ("fx_rates.csv", "EUR,2026-01-01,0", "usd_per_unit: 0 is not above zero"),
        ("fx_rates.csv", "USD,2026-01-01,1.1", "a dollar is one dollar"),
    ],
)
def test_a_wrong_cell_is_told_by_file_line_and_column(
    settings: Settings, write: Write, name: str, line: str, message: str
) -> None:
    """Each problem has its place and its mend."""
    write(name, line)
    text = problems(settings)
    # A single problem has its place on a line of its own.
    what, _, rest = text.partition("\n  where: ")
    place, _, mend = rest.partition("\n  mend:  ")
    assert message in text or message in f"{Path(place).name}: {what}; {mend}"


def test_a_wrong_column_is_told_with_the_right_one(settings: Settings) -> None:
    """A misspelt column is unknown, the right one is missing; the hint says which was meant."""
    (settings.config / "teams.csv").write_text("team,team_nam,cost_center,owner_email,aliases\n")
    text = problems(settings)
    assert "teams.csv:1 team_nam: there is no column 'team_nam'; did you mean team_name?" in text
    assert "teams.csv:1 team_name: the column 'team_name' is missing" in text


def test_a_quote_that_is_never_closed_is_told(settings: Settings, write: Write) -> None:
    """A broken CSV line is a problem with a line, not a row that swallows the file."""
    write("teams.csv", 'search,"Search,,,', "platform,Platform,,,")
    assert "the line is not CSV" in problems(settings)


def test_all_problems_of_all_files_are_told_at_once(settings: Settings, write: Write) -> None:
    """One run shows every line that must be mended, in every file."""
    write("teams.csv", *TEAMS, "search,Again,,,")
    write("fx_rates.csv", "EUR,today,1", "EUR,2026-01-01,-1")
    text = problems(settings)
    assert "3 problems" in text
    assert "teams.csv:4 team: the same as in line 2" in text
    assert "fx_rates.csv:2 rate_date" in text
    assert "fx_rates.csv:3 usd_per_unit" in text


def test_lines_are_counted_over_cells_with_line_breaks(settings: Settings, write: Write) -> None:
    """A comment over two lines does not shift the numbers of the lines after it; blank lines are passed over."""
    write("teams.csv", 'search,"Search\nand find",,,', "", ",Nameless,,,")
    assert "teams.csv:5 team" in problems(settings)


@pytest.mark.parametrize(
    ("name", "lines", "column"),
    [
        ("teams.csv", ["a,A,,,", "a,B,,,"], "team"),
        ("features.csv", ["a,A,,", "a,B,,"], "feature"),
        ("attribution_rules.csv", ["r,1,,,,,,,,t,,,,,,", "r,2,,,,,,,,t,,,,,,"], "rule_id"),
        ("invoices.csv", ["i,o,a,2026-01-01,2026-01-31,1,USD", "i,o,a,2026-02-01,2026-02-28,1,USD"], "invoice_id"),
        ("fx_rates.csv", ["EUR,2026-01-01,1.1", "EUR,2026-01-01,1.2"], "rate_date"),
    ],
)
def test_an_id_comes_once(settings: Settings, write: Write, name: str, lines: list[str], column: str) -> None:
    """The second of two lines with the same id is told with the line of the first."""
    write(name, *lines)
    text = problems(settings)
    assert f"{name}:3 {column}" in text
    assert "the same as in line 2" in text


@pytest.mark.parametrize(
    ("name", "line", "column"),
    [
        ("features.csv", "chat,Chat,serch,", "team"),
        ("attribution_rules.csv", "r,1,,,,,,,,serch,,,,,,", "team"),
        ("cost_splits.csv", "s,serch,,even,search,,,,", "from_team"),
        ("cost_splits.csv", "s,platform,,even,serch,,,,", "to_team"),
        ("budgets.csv", "b,B,serch,,,,,,month,5,USD,,,,,,", "team"),
    ],
)
def test_a_team_that_nobody_knows_is_told(settings: Settings, write: Write, name: str, line: str, column: str) -> None:
    """A misspelt owner would take cost away from the right one in silence."""
    write("teams.csv", *TEAMS)
    write(name, line)
    text = problems(settings)
    assert f"{name}:2 {column}" in text
    assert "there is no team 'serch'" in text


def test_a_spelling_means_one_team(settings: Settings, write: Write) -> None:
    """An alias that another team has, in whatever capitals, is told."""
    write("teams.csv", "search,Search,,,find", "platform,Platform,,,Find")
    assert "'Find' already means the team search (line 2)" in problems(settings)


def test_periods_of_one_budget_may_follow_but_not_overlap(settings: Settings, write: Write) -> None:
    """The last day in belongs to the earlier period; the next begins the day after."""
    write("budgets.csv", "b,B,,,,,,,month,5,USD,,,,,,2026-01-31", "b,B,,,,,,,month,6,USD,,,,,2026-02-01,")
    assert len(load(settings).budgets) == 2
    write("budgets.csv", "b,B,,,,,,,month,5,USD,,,,,,2026-01-31", "b,B,,,,,,,month,6,USD,,,,,2026-01-31,")
    assert "the periods of b in lines 2 and 3 overlap" in problems(settings)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["s,platform,,even,search,,,,", "t,platform,,even,search,,,,"], "s (line 2) already splits this cost"),
        (["s,platform,,even,search,,,,", "s,search,,even,platform,,,,"], "has another sender or method"),
        (["s,platform,,even,search,,,,", "s,platform,,even,search,,,,"], "the same receiver as in line 2"),
        (["s,platform,,even,search,,,,", "s,platform,,even,platform,,,2026-01-01,"], "has other dates, which overlap"),
    ],
)
def test_a_cost_is_split_once(settings: Settings, write: Write, lines: list[str], message: str) -> None:
    """Two splits of the same cost on the same day would give it away twice."""
    write("teams.csv", *TEAMS)
    write("cost_splits.csv", *lines)
    assert message in problems(settings)


def test_a_fixed_split_sums_to_exactly_one(settings: Settings, write: Write) -> None:
    """In decimals, not in floats; and for each span of its dates."""
    write("teams.csv", *TEAMS)
    write(
        "cost_splits.csv",
        "s,platform,,fixed,search,,0.1,,2026-01-31",
        "s,platform,,fixed,platform,,0.2,,2026-01-31",
        "s,platform,,fixed,search,chat,0.7,,2026-01-31",
        "s,platform,,fixed,search,,1,2026-02-01,",
    )
    assert [split.weight for split in load(settings).cost_splits] == [
        Decimal("0.1"),
        Decimal("0.2"),
        Decimal("0.7"),
        Decimal(1),
    ]


def test_contradictory_price_overrides_are_told(settings: Settings, write: Write) -> None:
    """Two prices for one model and day are refused before anything is priced."""
    row = "openai,gpt-5,,output,,,,,{},https://example.com,2026-01-01"
    write("price_overrides.csv", row.format("1"), row.format("2"))
    assert "contradict" in problems(settings)


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize(
    ("cell", "matching", "other"),
    [
        ("gpt_5", "gpt_5", "gptx5"),
        ("100%", "100%", "1000"),
        (r"a\b", r"a\b", "ab"),
        ("prefix:gpt-5_", "gpt-5_mini", "gpt-5-mini"),
        ("glob:a*c?", "abbcd", "abbc"),
        ("glob:*_x", "50%_x", "50%yx"),
        ("http://x", "http://x", "httpx"),
    ],
)
def test_a_match_cell_becomes_the_like_pattern_that_it_means(
    settings: Settings, write: Write, cell: str, matching: str, other: str
) -> None:
    """Signs that LIKE knows and the cell does not are escaped, as DuckDB reads them."""
    write("attribution_rules.csv", f"r,1,,,,,{cell},,,t,,,,,,")
    (rule,) = load(settings).attribution_rules
    query = r"SELECT ? LIKE ? ESCAPE '\'"
    assert duckdb.execute(query, [matching, rule.model_id_pattern]).fetchone() == (True,)
    assert duckdb.execute(query, [other, rule.model_id_pattern]).fetchone() == (False,)


def test_tags_become_sorted_patterns(settings: Settings, write: Write) -> None:
    """Every tag of the cell has its own pattern."""
    write("attribution_rules.csv", "r,1,,,,,,,team=prefix:s_;app=chat,t,,,,,,")
    (rule,) = load(settings).attribution_rules
    assert rule.tag_patterns_json == r'{"app": "chat", "team": "s\\_%"}'
    assert (rule.valid_from_date, rule.valid_to_date) == (date(1, 1, 1), date(9999, 12, 31))


# ---------------------------------------------------------------- warnings


def test_a_rule_behind_a_wider_one_is_warned_of(settings: Settings, write: Write) -> None:
    """A rule can never match if an earlier one, on all of its days, matches everything that it matches."""
    write(
        "attribution_rules.csv",
        "narrow,2,openai,,proj,,,,app=chat,t,,,,,,",
        "wide,1,openai,,,,,,app=chat,t,,,,,,",
        "same_but_earlier_days,0,openai,,proj,,,,app=chat,t,,,,,2020-01-01,",
        "other,3,openai,,proj,,,,,t,,,,,,",
    )
    (warning,) = load(settings).warnings
    assert "narrow can never match: wide (line 3) comes first" in str(warning)
    assert warning.where == "attribution_rules.csv:2"


@pytest.mark.parametrize(
    ("earlier", "later", "is_shadowed"),
    [
        ("prefix:key_", "key_1", True),
        ("prefix:key_", "prefix:key_a", True),
        ("prefix:key_a", "prefix:key_", False),
        ("glob:*", "glob:a*c?", True),
        ("glob:k*1", "glob:key_?1", True),
        ("glob:k?", "glob:k*", False),
        ("glob:a*b*c", "aXbYc", True),
        ("glob:a*b*c", "aXcYb", False),
        ("50%", "50x", False),
        ("glob:*", "", False),
    ],
)
def test_a_wider_pattern_shadows_a_narrower_one(
    settings: Settings, write: Write, earlier: str, later: str, is_shadowed: bool
) -> None:
    """Rules that can never match are mostly those under a prefix."""
    write("attribution_rules.csv", f"wide,1,,,,{earlier},,,,t,,,,,,", f"narrow,2,openai,,,{later},,,,u,,,,,,")
    assert [warning.where for warning in load(settings).warnings] == ["attribution_rules.csv:3"] * is_shadowed


def test_a_rule_for_features_does_not_shadow_one_for_teams(settings: Settings, write: Write) -> None:
    """Each owner comes from the first rule that gives it."""
    write("features.csv", "chat,Chat,,")
    write(
        "attribution_rules.csv",
        "a,1,openai,,,,,,,,chat,,,,,",
        "b,2,openai,,,,,,,t,chat,,,,,",
        "c,3,openai,,,,,,,u,,,,,,",
    )
    (warning,) = load(settings).warnings
    assert "c can never match: b (line 3) comes first" in str(warning)


@pytest.mark.parametrize(
    ("yml", "where", "what"),
    [
        ("    start_date: 2026-02-30", "sources.yml:4 sources.o.start_date", "this day or number does not exist"),
        ("    start_date: soon", "sources.yml:4 sources.o.start_date", "this is not a day"),
        ("    start_date: !env DAY", "sources.yml:4 sources.o.start_date", "the tag !env is not known"),
        ("    <<: 5", "sources.yml:3 sources.o", "<< must name keys with values"),
        ("    ? {a: b}\n    : 1", "sources.yml:4 sources.o", "a key must be a word"),
        ("    start_date: &a [*a]", "sources.yml:4 sources.o.start_date.0", "the alias stands for something"),
        ("\tstart_date: 2026-01-01", "sources.yml:4", "this is not YAML"),
        ("    start_date: '\x01'", "sources.yml", "the file is not UTF-8 text"),
    ],
)
def test_yaml_that_cannot_be_used_is_told_by_its_line(settings: Settings, yml: str, where: str, what: str) -> None:
    """Whatever is wrong with it, never by a traceback."""
    (settings.config / "sources.yml").write_text(f"sources:\n  o:\n    type: openai_admin\n{yml}\n")
    with pytest.raises(ConfigError, match=re.escape(what)) as caught:
        load(settings)
    assert str(caught.value.where).endswith(f"/{where}")


def test_a_mapping_that_cannot_be_used_is_told_before_its_files_are_read(settings: Settings) -> None:
    """With the line of its key."""
    (settings.config / "sources.yml").write_text(
        "sources:\n  g:\n    type: files\n    table: requests\n    path: x\n    format: jsonl\n    mapping:\n"
        "      started_at: at\n      modle_name: m\n"
    )
    with pytest.raises(ConfigError, match="the key 'modle_name' does not exist") as caught:
        load(settings)
    assert caught.value.where.endswith("/sources.yml:9 sources.g.mapping.modle_name")
    assert "Did you mean model_name?" in caught.value.mend


@pytest.mark.parametrize("name", ["price_overrides.csv", "model_aliases.csv", "teams.csv"])
def test_a_file_that_is_not_utf8_is_named(settings: Settings, name: str) -> None:
    """Spreadsheets save what they like."""
    (settings.config / name).write_bytes("team,é\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        load(settings)
    assert name in caught.value.where


def test_an_alias_is_checked_with_the_configuration(settings: Settings) -> None:
    """And not first when requests are priced."""
    (settings.config / "model_aliases.csv").write_text(
        "provider_name,model_name,priced_as_provider,priced_as_model\nazure,mine,openai,gpt-5,and more\n"
    )
    with pytest.raises(ConfigError, match="too many or too few cells") as caught:
        load(settings)
    assert caught.value.where.endswith("model_aliases.csv:2")


def test_a_misspelled_tier_of_a_price_is_warned_of(settings: Settings, write: Write) -> None:
    """Its price would never be asked for."""
    line = "openai,gpt-5,{},output,,,,,8,https://example.com,2026-11-01"
    write("price_overrides.csv", line.format("priority"), line.format("prioirty"))
    (warning,) = load(settings).warnings
    assert warning.where == "price_overrides.csv:3"
    assert "'prioirty' prices only requests that name exactly this tier" in warning.what


def test_a_cell_may_hold_any_character(settings: Settings, write: Write) -> None:
    """Only a line feed ends a line of the file."""
    write("teams.csv", "search,One\u2028Two\x0cThree,,,")
    assert load(settings).teams[0].team_name == "One\u2028Two\x0cThree"


def test_semicolons_are_told_in_one_sentence(settings: Settings) -> None:
    """And not as five missing columns."""
    (settings.config / "teams.csv").write_text(HEADERS["teams.csv"].replace(",", ";") + "\n")
    with pytest.raises(ConfigError) as caught:
        load(settings)
    assert caught.value.what == "the cells are separated by semicolons"


@pytest.mark.parametrize(
    ("name", "line", "what"),
    [
        ("budgets.csv", "a,A,,,,,,,month,100000000000,USD,,,,,,", "too large"),
        ("attribution_rules.csv", "r,99999999999999999999,openai,,,,,,,t,,,,,,", "not a whole number"),
        ("attribution_rules.csv", "r,1_0,openai,,,,,,,t,,,,,,", "not a whole number"),
    ],
)
def test_a_number_that_the_tables_cannot_hold_is_refused(
    settings: Settings, write: Write, name: str, line: str, what: str
) -> None:
    """Here, with its line, and not in the middle of a build."""
    write(name, line)
    with pytest.raises(ConfigError, match=what):
        load(settings)


def test_two_budgets_over_the_same_scope_are_warned_of(settings: Settings, write: Write) -> None:
    """Both are kept; the reader learns that they cap the same spend."""
    write("budgets.csv", "a,A,,,,,,,month,5,USD,,,,,,", "b,B,,,,,,,month,6,USD,,,,,,", "c,C,,x,,,,,month,6,USD,,,,,,")
    config = load(settings)
    assert len(config.budgets) == 3
    assert [warning.where for warning in config.warnings] == ["budgets.csv:3"]


def test_a_currency_without_a_rate_is_warned_of(settings: Settings, write: Write) -> None:
    """Its amount is unknown in dollars, and that must not be found out at the end of the month."""
    write("budgets.csv", "a,A,,,,,,,month,5,eur,,,,,,")
    assert "there is no rate for EUR" in str(load(settings).warnings[0])
    write("fx_rates.csv", "EUR,2026-01-01,1.08")
    assert load(settings).warnings == ()


def test_a_feature_that_nobody_knows_is_warned_of(settings: Settings, write: Write) -> None:
    """Features come and go faster than the list; it is no error."""
    write("features.csv", "chat,Chat,,")
    write("attribution_rules.csv", "r,1,,,,,,,,,chta,,,,,")
    assert "there is no feature 'chta'" in str(load(settings).warnings[0])


# ---------------------------------------------------------------- landing


def test_the_configuration_is_landed_whole(settings: Settings, write: Write) -> None:
    """Each part is one load; what has not changed is skipped the next time, and what has is not."""
    write("sources.yml", SOURCES)
    write("teams.csv", *TEAMS)
    lake = Lake(settings.lake_path, settings.clock)
    first = {load.table: load for load in land_config(settings, lake, {})}
    assert {table: load.row_count for table, load in first.items() if load.row_count} == {
        "config_sources": 1,
        "config_teams": 2,
    }
    assert len(first) == 14
    write("teams.csv", TEAMS[0])
    second = {load.table: load for load in land_config(settings, lake, {})}
    assert [table for table, load in second.items() if not load.skipped] == ["config_teams"]


def test_a_wrong_configuration_lands_nothing(settings: Settings, write: Write) -> None:
    """Half a configuration is worse than the last one."""
    write("teams.csv", *TEAMS)
    write("fx_rates.csv", "EUR,today,1")
    lake = Lake(settings.lake_path, settings.clock)
    with pytest.raises(ConfigError):
        land_config(settings, lake, {})
    assert lake.loads() == []


def test_a_feature_says_how_long_it_can_wait(settings: Settings) -> None:
    """An optional column of whole hours: blank cells and older files say nothing; a wait into the past is refused."""
    path = settings.config / "features.csv"
    path.write_text("feature,feature_name,team,aliases\nask,Ask,,\n")
    assert [feature.latency_tolerance_hours for feature in load_config(settings).features] == [None]
    header = "feature,feature_name,team,aliases,latency_tolerance_hours\n"
    path.write_text(header + "ask,Ask,,,24\nchat,Chat,,,\n")
    assert [feature.latency_tolerance_hours for feature in load_config(settings).features] == [24, None]
    path.write_text(header + "ask,Ask,,,-1\n")
    with pytest.raises(ConfigError, match="latency_tolerance_hours"):
        load_config(settings)
