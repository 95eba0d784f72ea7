"""The dbt project as subject: a grain and a yml for each model, layers that face one way, names with one meaning."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Models = dict[str, dict[str, Any]]
Excepted = Callable[[str], set[str]]

NAMES_BY_FOLDER = {
    "staging": re.compile(r"stg_[a-z]+__[a-z_]+"),
    "intermediate": re.compile(r"int_[a-z_]+"),
    "marts/core": re.compile(r"(fct|dim)_[a-z_]+s"),
    "marts/finops": re.compile(r"mart_[a-z_]+"),
    "semantic": re.compile(r"metricflow_time_spine"),
}
NEVER_ALONE = {"id", "cost", "amount", "usage", "date", "value"}
PLACE_OF_LAYER = {"staging": 0, "intermediate": 1, "marts/core": 2, "marts/finops": 3, "semantic": 3}
KPIS = {
    "cost_per_request",
    "cost_per_successful_outcome",
    "model_efficiency",
    "forecast_accuracy",
    "budget_burn_ratio",
    "headroom",
    "cache_hit_ratio",
    "attribution_coverage",
}


def folder(model: dict[str, Any]) -> str:
    """Layer of a model: the first folders of its path that have naming rules of their own."""
    path = str(model["path"])
    return next(name for name in NAMES_BY_FOLDER if path.startswith(f"{name}/"))


def is_public(model: dict[str, Any]) -> bool:
    return folder(model).startswith("marts/")


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", re.sub(r"\{#.*?#\}", "", sql, flags=re.DOTALL))


def parents(model: dict[str, Any], kind: str) -> list[str]:
    return [node.split(".")[-1] for node in model["depends_on"]["nodes"] if node.startswith(f"{kind}.")]


def test_parsing_warns_of_nothing(parsed: subprocess.CompletedProcess[str]) -> None:
    """`dbt parse` is clean: no warning, no deprecation, valid semantic models."""
    assert parsed.returncode == 0, parsed.stdout
    assert not re.search(r"warning|deprecat", parsed.stdout, re.IGNORECASE), parsed.stdout


def test_each_model_has_its_own_yml_beside_it(models: Models, repository: Path) -> None:
    """A stranger finds what a table is in the file of its name."""
    for name, model in models.items():
        beside = repository / Path(model["original_file_path"]).with_suffix(".yml")
        assert beside.is_file(), f"{name} has no {beside.name}"
        assert model["patch_path"].endswith(f"/{name}.yml"), f"{name} is described in {model['patch_path']}"


def test_each_description_opens_with_the_grain(models: Models) -> None:
    """The first words of a description say what one row is."""
    wrong = [name for name, model in models.items() if not model["description"].startswith("One row ")]
    assert not wrong


def test_each_grain_is_declared_and_tested(manifest: dict[str, Any], models: Models, excepted: Excepted) -> None:
    """`config.meta.grain` is tested by `unique_grain` on the same columns, and its columns exist."""
    tested = {
        test["attached_node"].split(".")[-1]: test["test_metadata"]["kwargs"]["columns"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test" and (test.get("test_metadata") or {}).get("name") == "unique_grain"
    }
    for name, model in models.items():
        grain = model["config"]["meta"].get("grain")
        assert grain is not None, f"{name} declares no grain"
        if name in excepted("grain_is_declared"):
            continue
        assert grain, f"{name} declares an empty grain"
        assert set(grain) <= set(model["columns"]), f"the grain of {name} names columns that it does not have"
        if name not in excepted("grain_is_tested"):
            assert tested.get(name) == grain, f"the grain of {name} is {grain}, tested is {tested.get(name)}"


def test_incremental_models_keep_the_fingerprint_that_they_follow(models: Models) -> None:
    """A yml's own meta must not displace that of its folder, or days would never be built again."""
    for name, model in models.items():
        if model["config"]["materialized"] == "incremental":
            assert {"fingerprints", "fingerprint_column"} <= set(model["config"]["meta"]), name


def test_public_models_have_a_contract_and_an_owner(manifest: dict[str, Any], models: Models) -> None:
    """Whatever others build on is public, contracted with types, and somebody answers for it."""
    groups = {group["name"]: group for group in manifest["groups"].values()}
    for name, model in models.items():
        if is_public(model):
            assert model["access"] == "public", name
            assert model["contract"]["enforced"], name
            assert groups[model["group"]]["owner"]["email"], name
            assert all(column["data_type"] for column in model["columns"].values()), name
        else:
            assert model["access"] == "protected", f"{name} is no mart"


def test_sources_are_read_in_staging_only(models: Models) -> None:
    """The raw tables have one door."""
    wrong = [name for name, model in models.items() if parents(model, "source") and folder(model) != "staging"]
    assert not wrong


def test_each_source_names_the_asset_that_lands_it(manifest: dict[str, Any]) -> None:
    """Lineage from the lake needs no list of names in Python."""
    for source in manifest["sources"].values():
        assert source["meta"]["dagster"]["asset_key"], source["name"]
        assert source["description"], source["name"]


def test_staging_has_no_joins(models: Models, excepted: Excepted) -> None:
    """Staging renames and types; what is put together belongs to the next layer."""
    joined = {
        name
        for name, model in models.items()
        if folder(model) == "staging" and re.search(r"\bjoin\b", without_comments(model["raw_code"]))
    }
    assert joined == excepted("staging_has_no_joins")


def test_layers_face_one_way(models: Models, excepted: Excepted) -> None:
    """No layer reads from one above it, except where the list says why."""
    upwards = {
        f"{name}:{parent}"
        for name, model in models.items()
        for parent in parents(model, "model")
        if PLACE_OF_LAYER[folder(models[parent])] > PLACE_OF_LAYER[folder(model)]
    }
    assert upwards == excepted("marts_feed_nothing_below")


def test_models_are_named_by_their_layer(models: Models, excepted: Excepted) -> None:
    """`stg_<source>__<entity>`, `int_`, `fct_` and `dim_` in the plural, `mart_`."""
    wrong = {name for name, model in models.items() if not NAMES_BY_FOLDER[folder(model)].fullmatch(name)}
    assert wrong == excepted("names_follow_the_layer")


def test_columns_are_named_by_what_they_hold(models: Models) -> None:
    """Types follow names in every public table: see the column table of the style guide."""
    rules: list[tuple[str, str]] = [
        (r"(is|has)_\w+", r"boolean"),
        (r"\w+_at", r"timestamptz"),
        (r"\w+_(date|(?<!_per_)month)", r"date"),
        (r"\w+_(tokens|requests|count)", r"bigint"),
        (r"\w+_usd(_per_month)?", r"decimal\(.*\)"),
        (r"\w+_usd_per_mtok", r"decimal\(.*\)"),
        (r"\w+_id", r"varchar"),
    ]
    for name, model in models.items():
        if not is_public(model) or name == "mart_focus_cost_and_usage":
            continue
        for column in model["columns"].values():
            assert column["name"] not in NEVER_ALONE, f"{name}.{column['name']} does not say which"
            assert column["name"] == column["name"].lower(), f"{name}.{column['name']}"
            for pattern, data_type in rules:
                if re.fullmatch(pattern, column["name"]):
                    assert re.fullmatch(data_type, column["data_type"]), (
                        f"{name}.{column['name']} is {column['data_type']}"
                    )


def test_every_column_of_the_yml_is_described(models: Models) -> None:
    """A column that nobody explains is a column that somebody misreads."""
    for name, model in models.items():
        assert model["columns"], name
        for column in model["columns"].values():
            assert column["description"].strip(), f"{name}.{column['name']}"


def test_every_doc_block_is_used(manifest: dict[str, Any], repository: Path) -> None:
    """The glossary holds what recurs and nothing else."""
    written = {
        block["name"]
        for block in manifest["docs"].values()
        if block["package_name"] == manifest["metadata"]["project_name"]
    }
    used: set[str] = set()
    for path in (repository / "dbt_project").rglob("*.yml"):
        used |= set(re.findall(r"""doc\(["'](\w+)["']\)""", path.read_text()))
    assert written == used


def test_every_unit_test_is_named_as_a_statement(manifest: dict[str, Any]) -> None:
    """A failing test should read as the sentence that is no longer true."""
    wrong = [
        test["name"]
        for test in manifest["unit_tests"].values()
        if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}", test["name"])
    ]
    assert not wrong


def test_every_kpi_is_one_metric(manifest: dict[str, Any], models: Models, excepted: Excepted) -> None:
    """A KPI is defined once, under the name that its mart uses."""
    metrics = {metric["name"]: metric for metric in manifest["metrics"].values()}
    assert set(metrics) & KPIS == KPIS - excepted("kpi_has_a_metric")
    assert all(metric["description"] for metric in metrics.values())
    assert models["mart_kpis_daily"]["columns"]["kpi_name"]


def test_every_dashboard_reads_public_models_only(manifest: dict[str, Any], models: Models) -> None:
    """Exposures hang on marts, and the question of each core mart is asked by somebody."""
    for exposure in manifest["exposures"].values():
        assert exposure["owner"]["email"], exposure["name"]
        for parent in parents(exposure, "model"):
            assert is_public(models[parent]), f"{exposure['name']} reads {parent}"
    shown = {parent for exposure in manifest["exposures"].values() for parent in parents(exposure, "model")}
    unseen = {name for name, model in models.items() if folder(model) == "marts/finops"} - shown
    assert not unseen, f"no exposure shows {unseen}"
