"""Alerts in Dagster and in the doctor: what a tick does without any run, and what is shown of what did not arrive."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from alerting.model import AlertKind
from alerting.outbox import MessageStatus
from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.alerts import alert_desk, check_lateness, export_events, landed_events
from orchestration.commands.doctor import Level, _alerts
from orchestration.defs.delivery.alerts import alert_delivery
from orchestration.loading import land_log_files
from tests.unit.orchestration.test_sensor import Atlas

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def silent(settings: Settings, inbox: Path) -> Settings:
    """A home whose logs ended on 22 November, a week ago, with one channel that has no address."""
    lake = Lake(settings.lake_path, settings.clock)
    land_log_files(settings, lake, "requests")
    lake.write_index(settings.index_path)
    (settings.config / "alert_channels.csv").write_text(
        "channel,url_env,min_severity,comment\nemail,ALERT_URL_THAT_IS_NOT_SET,info,\n"
    )
    return dataclasses.replace(settings, now=settings.now + timedelta(days=7))


def tick(settings: Settings, cursor: str | None = None) -> tuple[str, str | None]:
    """What one tick of the sensor says, and its cursor afterwards."""
    with dg.build_sensor_context(resources={"atlas": Atlas(settings)}, cursor=cursor) as context:
        result = alert_delivery(context)
        assert isinstance(result, dg.SkipReason)
        return str(result.skip_message), context.cursor


def test_late_data_are_noticed_without_a_run(silent: Settings) -> None:
    """Once: the next tick of the same hour only sends what is due."""
    said, cursor = tick(silent)
    assert said == "1 transitions; 0 messages delivered, 1 to be tried again, 0 given up."
    again, _ = tick(silent, cursor)
    assert again.startswith("0 transitions")
    with alert_desk(silent) as desk:
        (alert,) = desk.store.open_alerts()
        assert (alert.key.kind, alert.key.subject) == (AlertKind.DATA_LATE, "app")
        assert alert.facts.last_date == date(2026, 11, 22)


def test_a_configuration_that_cannot_be_read_does_not_stop_the_sensor(silent: Settings) -> None:
    """It says so at every tick, and goes on once it is mended."""
    (silent.config / "alert_rules.csv").write_text("nonsense\n")
    assert tick(silent)[0].startswith("The configuration cannot be used")


def test_a_source_that_is_no_longer_configured_is_not_late(silent: Settings) -> None:
    """Its alert is closed instead."""
    check_lateness(silent)
    sources = (silent.config / "sources.yml").read_text().replace("  app:", "  other:")
    (silent.config / "sources.yml").write_text(sources)
    report = check_lateness(dataclasses.replace(silent, now=silent.now + timedelta(hours=1)))
    assert [event.event_name for event in report.applied.events] == ["resolved"]


def test_events_are_landed_once_also_if_noting_it_failed(silent: Settings) -> None:
    """Landed, and then the process ended: the next one lands them again, which the log bears."""
    check_lateness(silent)
    events = landed_events(silent)
    assert [event.event_name for event in events] == ["raised", "queued", "failed"]
    with alert_desk(silent) as desk:
        assert export_events(desk) == 0
        desk.store.rows("update events set is_exported = 0")
        assert export_events(desk) == 3
    assert {event.event_id for event in landed_events(silent)} == {event.event_id for event in events}


def test_a_busy_lake_only_delays_the_log(silent: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run holds the lake: what happened waits in the store, and the alert is sent all the same."""
    monkeypatch.setattr("orchestration.alerts._LOCK_SECONDS", 0.1)
    lake = Lake(silent.lake_path, silent.clock)
    with lake._journal.writing():
        assert check_lateness(silent).exported_count == 0
    with alert_desk(silent) as desk:
        assert export_events(desk) == 3


def test_the_doctor_says_what_is_missing_and_what_did_not_arrive(silent: Settings) -> None:
    """A channel without an address and messages that wait deserve a look; what was given up is broken."""
    check_lateness(silent)
    found = {finding.area: finding for finding in _alerts(silent)}
    assert found["alert channel email"].what == "ALERT_URL_THAT_IS_NOT_SET is not set in the environment or .env"
    assert found["alerts"].level is Level.LOOK
    with alert_desk(silent) as desk:
        desk.store.rows("update messages set status = ?", MessageStatus.DEAD)
    assert [finding.level for finding in _alerts(silent) if finding.area == "alerts"] == [Level.BROKEN]


def test_owners_of_teams_and_their_features_hear_of_anomalies(silent: Settings) -> None:
    """A series has the owner of its team."""
    (silent.config / "teams.csv").write_text(
        "team,team_name,cost_center,owner_email,aliases\nsearch,Search,,search@acme.example,\ndata,Data,,,\n"
    )
    (silent.config / "features.csv").write_text("feature,feature_name,team,aliases\nask,Ask,search,\netl,Etl,data,\n")
    with alert_desk(silent) as desk:
        assert desk.owners == {
            "team=search": "search@acme.example",
            "feature=ask": "search@acme.example",
            "team_feature=search/ask": "search@acme.example",
        }
