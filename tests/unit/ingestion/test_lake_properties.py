"""Any sequence of landings gives what a lake on paper gives; killing it anywhere and going on changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import LakeError
from ingestion.lake import Lake, Window
from tests.unit.ingestion.lake_model import (
    START,
    KilledError,
    KillSwitch,
    TickingClock,
    all_files,
    cost,
    indexed,
    known_files,
    land_costs,
    land_outcomes,
    land_projects,
    live_rows,
)

Rows = Counter[tuple[object, ...]]


@dataclass
class PaperLake:
    """The rows in force, as plain dictionaries."""

    costs: dict[tuple[str, date], tuple[int, ...]] = field(default_factory=dict)
    projects: list[frozenset[str]] = field(default_factory=list)
    outcomes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def copy(self) -> PaperLake:
        return PaperLake(dict(self.costs), list(self.projects), dict(self.outcomes))

    def rows(self) -> dict[str, Rows]:
        return {
            "openai_costs": Counter(
                (account, day, str(amount)) for (account, day), amounts in self.costs.items() for amount in amounts
            ),
            "openai_projects": Counter((name,) for names in self.projects for name in names),
            "outcomes": Counter(
                (f"{content}-{line}", START + timedelta(days=day))
                for content, days in self.outcomes.items()
                for line, day in enumerate(days)
            ),
        }


COLUMNS = {
    "openai_costs": "account_id, usage_date, amount_value",
    "openai_projects": "project_id",
    "outcomes": "outcome_id, _day",
}


def rows_of(lake: Lake, home: Path, as_of: datetime | None = None) -> dict[str, Rows]:
    indexed(lake, home, as_of)
    return {table: live_rows(home, table, columns) for table, columns in COLUMNS.items()}


# ---------------------------------------------------------------- actions, on the lake and on paper


@dataclass(frozen=True)
class LandCosts:
    account: str
    first: int
    amounts: tuple[tuple[int, ...], ...]
    """Of each day of the window."""

    def on_lake(self, lake: Lake) -> object:
        days = [START + timedelta(days=self.first + n) for n in range(len(self.amounts))]
        rows = [
            cost(day, amount, account_id=self.account)
            for day, amounts in zip(days, self.amounts, strict=True)
            for amount in amounts
        ]
        return land_costs(lake, rows, Window(days[0], days[-1] + timedelta(days=1)), account_id=self.account)

    def on_paper(self, paper: PaperLake) -> None:
        for n, amounts in enumerate(self.amounts):
            paper.costs[self.account, START + timedelta(days=self.first + n)] = amounts


@dataclass(frozen=True)
class LandProjects:
    names: frozenset[str]

    def on_lake(self, lake: Lake) -> object:
        return land_projects(lake, sorted(self.names))

    def on_paper(self, paper: PaperLake) -> None:
        if not paper.projects or paper.projects[-1] != self.names:
            paper.projects.append(self.names)


@dataclass(frozen=True)
class LandOutcomes:
    content: str
    quarantined: int
    replace: bool

    @property
    def days(self) -> tuple[int, ...]:
        """What a file holds follows from its content."""
        return {"a": (0, 1, 5), "b": (), "c": (5, 5)}[self.content]

    def on_lake(self, lake: Lake) -> object:
        return land_outcomes(lake, self.content, self.days, quarantined=self.quarantined, replace=self.replace)

    def on_paper(self, paper: PaperLake) -> None:
        paper.outcomes[self.content] = self.days


@dataclass(frozen=True)
class Compact:
    grace_hours: int

    def on_lake(self, lake: Lake) -> object:
        return lake.compact(min_files=2, grace=timedelta(hours=self.grace_hours))

    def on_paper(self, paper: PaperLake) -> None:
        """Compaction changes no answer."""


Action = LandCosts | LandProjects | LandOutcomes | Compact

amounts_of_day = st.lists(st.integers(-2, 2), max_size=2).map(tuple)
actions = st.one_of(
    st.builds(
        LandCosts,
        st.sampled_from(["acme", "other"]),
        st.integers(0, 3),
        st.lists(amounts_of_day, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(LandProjects, st.frozensets(st.sampled_from("pq"))),
    st.builds(LandOutcomes, st.sampled_from("abc"), st.integers(0, 2), st.booleans()),
    st.builds(Compact, st.sampled_from([0, 24])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=8))
def test_any_sequence_of_loads_gives_the_rows_of_the_paper_lake(sequence: list[Action]) -> None:
    """Now and as of every earlier moment; every count adds up; every file belongs to a load or to a compaction."""
    with tempfile.TemporaryDirectory() as folder:
        home, clock = Path(folder), TickingClock()
        lake, paper = Lake(home / "lake", clock), PaperLake()
        history: list[tuple[datetime, PaperLake]] = []
        for action in sequence:
            action.on_lake(lake)
            action.on_paper(paper)
            history.append((clock(), paper.copy()))
        assert rows_of(lake, home) == paper.rows()
        assert rows_of(Lake(home / "lake", clock), home) == paper.rows(), "a fresh process must read the same"
        for moment, earlier in history:
            assert rows_of(lake, home, as_of=moment) == earlier.rows()
        for load in lake.loads():
            assert load.rows_received == load.rows_admitted + load.rows_quarantined + load.rows_duplicate
        assert lake.quarantine().num_rows == sum(load.rows_quarantined for load in lake.loads())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=4), actions, st.integers(1, 30), st.booleans())
def test_killing_a_write_at_any_step_and_running_it_again_changes_nothing(
    before: list[Action], killed: Action, step: int, is_same_process: bool
) -> None:
    """The rows, the files and the counts are those of a run that was never killed."""
    with tempfile.TemporaryDirectory() as folder:
        home, clock, switch = Path(folder), TickingClock(), KillSwitch()
        lake, paper = Lake(home / "lake", clock, checkpoint=switch), PaperLake()
        for action in before:
            action.on_lake(lake)
            action.on_paper(paper)
        switch.countdown = step
        try:
            killed.on_lake(lake)
        except KilledError:
            between = rows_of(Lake(home / "lake", clock), home)
            done = paper.copy()
            killed.on_paper(done)
            assert between in (paper.rows(), done.rows()), "readers must see all of a load, or nothing of it"
        switch.countdown = 0
        again = lake if is_same_process else Lake(home / "lake", clock)
        killed.on_lake(again)
        killed.on_paper(paper)
        assert rows_of(again, home) == paper.rows()
        assert list((home / "lake" / "_pending").iterdir()) == []
        if not any(isinstance(action, Compact) for action in (*before, killed)):
            assert all_files(again) == known_files(again), "nothing may be left behind"


def test_every_step_of_a_write_can_be_the_last(tmp_path: Path) -> None:
    """Landing, compaction and folding are killed at each of their steps in turn, and each time nothing is lost."""

    def everything(lake: Lake) -> None:
        LandCosts("acme", 0, ((1,), (2, 3), (), (4,))).on_lake(lake)
        LandCosts("acme", 0, ((1,), (5,), (6,))).on_lake(lake)
        LandOutcomes("a", 1, replace=False).on_lake(lake)
        lake.compact(min_files=2, grace=timedelta(0))

    unharmed = Lake(tmp_path / "unharmed" / "lake", TickingClock(), checkpoint=(steps := KillSwitch()))
    everything(unharmed)
    names = list(steps.steps)
    expected = rows_of(unharmed, tmp_path / "unharmed")
    assert set(names) >= {
        "intent written",
        "data written",
        "data durable",
        "entry written",
        "entry renamed",
        "intent dropped",
        "replaced deleted",
        "fold written",
        "fold renamed",
    }
    for step in range(1, len(names) + 1):
        home, switch = tmp_path / str(step), KillSwitch()
        switch.countdown = step
        with pytest.raises(KilledError):
            everything(Lake(home / "lake", TickingClock(), checkpoint=switch))
        everything(Lake(home / "lake", TickingClock()))
        lake = Lake(home / "lake", TickingClock())
        assert rows_of(lake, home) == expected, names[step - 1]
        assert len(lake.loads()) in (3, 4, 5)


def test_an_index_that_was_killed_is_never_half_a_file(tmp_path: Path) -> None:
    """Readers find the old file or the new one at every step, and the old index finds its rows in the new files."""
    switch = KillSwitch()
    lake = Lake(tmp_path / "lake", TickingClock(), checkpoint=switch)
    LandCosts("acme", 0, ((1,), (2,))).on_lake(lake)
    before = rows_of(lake, tmp_path)
    LandOutcomes("a", 0, replace=False).on_lake(lake)
    for step in (1, 2):
        switch.countdown = step
        with pytest.raises(KilledError):
            lake.write_index(tmp_path / "lake_index.parquet")
        assert pq.read_table(tmp_path / "lake_index.parquet").num_rows == 2
        assert live_rows(tmp_path, "openai_costs", COLUMNS["openai_costs"]) == before["openai_costs"]


def test_an_error_in_the_middle_of_a_write_leaves_nothing(tmp_path: Path) -> None:
    """A full disk is not a kill: the process goes on, and cleans up at once."""

    def full_disk(step: str) -> None:
        if step == "data durable":
            raise OSError("no space left on device")

    lake = Lake(tmp_path / "lake", TickingClock(), checkpoint=full_disk)
    with pytest.raises(LakeError, match="no space left"):
        LandCosts("acme", 0, ((1,),)).on_lake(lake)
    assert lake.loads() == []
    assert all_files(lake) == set()
    assert list((lake.root / "_pending").iterdir()) == []


# ---------------------------------------------------------------- invariants


def test_running_the_same_loads_twice_gives_the_same_rows(tmp_path: Path) -> None:
    """Invariant 4: a second run adds no row and no data file."""
    lake = Lake(tmp_path / "lake", TickingClock())
    run: list[Callable[[Lake], object]] = [
        LandCosts("acme", 0, ((1, 1), (), (2,))).on_lake,
        LandProjects(frozenset("pq")).on_lake,
        LandOutcomes("a", 2, replace=False).on_lake,
    ]
    for step in run:
        step(lake)
    first, files = rows_of(lake, tmp_path), all_files(lake)
    for step in run:
        step(lake)
    assert rows_of(lake, tmp_path) == first
    assert all_files(lake) == files


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(amounts_of_day, min_size=4, max_size=4), st.integers(0, 3), amounts_of_day)
def test_a_restated_day_changes_that_day_only(
    days: list[tuple[int, ...]], restated: int, amounts: tuple[int, ...]
) -> None:
    """Invariant 7: the index entry and the rows of every other day stay as they were."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        lake = Lake(home / "lake", TickingClock())
        LandCosts("acme", 0, tuple(days)).on_lake(lake)
        before = pq.read_table(indexed(lake, home) / "lake_index.parquet").to_pylist()
        LandCosts("acme", 0, tuple(amounts if n == restated else old for n, old in enumerate(days))).on_lake(lake)
        after = pq.read_table(indexed(lake, home) / "lake_index.parquet").to_pylist()
        data = ("data_load_id", "row_count", "content_hash")
        changed = [
            old["day"]
            for old, new in zip(before, after, strict=True)
            if [old[name] for name in data] != [new[name] for name in data]
        ]
        is_other = Counter(days[restated]) != Counter(amounts)
        assert changed == ([START + timedelta(days=restated)] if is_other else [])


# ---------------------------------------------------------------- a real kill


_VICTIM = """
import sys
from pathlib import Path
from datetime import timedelta
from ingestion.lake import Lake
from tests.unit.ingestion.lake_model import TickingClock
from tests.unit.ingestion.test_lake_properties import LandCosts, LandOutcomes

def tell(step):
    print(step, flush=True)

lake = Lake(Path(sys.argv[1]) / "lake", TickingClock(), checkpoint=tell)
for n in range(1000):
    LandCosts("acme", 0, ((n,), (n, n), (), (n,))).on_lake(lake)
    LandOutcomes("abc"[n % 3], 1, replace=True).on_lake(lake)
    lake.compact(min_files=3, grace=timedelta(0))
"""


@pytest.mark.parametrize("last_step", ["intent written", "data written", "entry renamed", "fold renamed"])
def test_a_process_that_is_really_killed_leaves_a_lake_that_works(
    tmp_path: Path, repository: Path, last_step: str
) -> None:
    """SIGKILL in the middle of a write: whole loads are there, the lock is free, and the next writer cleans up."""
    command = [sys.executable, "-c", _VICTIM, str(tmp_path)]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as victim:  # noqa: S603 own code
        assert victim.stdout is not None
        seen: Counter[str] = Counter()
        for line in victim.stdout:
            seen[line.strip()] += 1
            if seen["intent dropped"] > 8 and line.strip() == last_step:
                os.kill(victim.pid, signal.SIGKILL)
                break
        victim.wait()
    assert victim.returncode == -signal.SIGKILL
    lake = Lake(tmp_path / "lake", TickingClock(), lock_timeout_seconds=1)
    costs = rows_of(lake, tmp_path)["openai_costs"]
    amounts = {row[2] for row in costs}
    assert costs.total() == 4, "a load of four rows is there whole"
    assert len(amounts) == 1
    LandCosts("acme", 0, ((-1,), (), (), ())).on_lake(lake)
    lake.compact(min_files=2, grace=timedelta(0))
    assert rows_of(lake, tmp_path)["openai_costs"] == Counter([("acme", START, "-1")])
    assert list((lake.root / "_pending").iterdir()) == []
