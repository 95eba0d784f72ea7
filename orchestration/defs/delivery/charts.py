"""Pictures of the forecast and of the budgets, as files and in the graph."""

import dagster as dg

from orchestration.defs.resources import PLATFORM, TokenAtlasResource

_TABLES = (
    ("core", "dim_dates"),
    ("intermediate", "int_series_costs_daily"),
    ("finops", "mart_forecast_daily"),
    ("finops", "mart_forecast_monthly"),
    ("finops", "mart_budget_burndown"),
    ("finops", "mart_budget_status"),
)


@dg.asset(
    key=["reports", "forecast_charts"],
    deps=[dg.AssetKey(table) for table in _TABLES],
    group_name="delivery",
    kinds={"python", "matplotlib"},
    owners=PLATFORM,
    description="reports/forecast/: the forecast of all spend and of each team, and the burn-down of running budgets.",
)
def forecast_charts(context: dg.AssetExecutionContext, atlas: TokenAtlasResource) -> dg.MaterializeResult[None]:
    """Draws them anew; the two that matter most are shown with the asset."""
    # Drawing takes a second to import, and opening the graph does not need it.
    from orchestration.charts import inline_image, shown_charts, write_charts

    settings = atlas.settings()
    folder = settings.reports_path / "forecast"
    charts = write_charts(settings.warehouse_path, folder)
    if not charts:
        context.log.warning("There is no forecast yet, so there is nothing to draw")
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(folder),
            "charts": len(charts),
            **{name: dg.MetadataValue.md(inline_image(name, path)) for name, path in shown_charts(charts).items()},
        }
    )


@dg.definitions
def charts() -> dg.Definitions:
    return dg.Definitions(assets=[forecast_charts])
