"""Laws of the plain values: statuses, figures and words."""

from __future__ import annotations

import pytest

from eip_provider.runs import RunStatus, problem_text
from scripted_ingest import run


@pytest.mark.parametrize("state", ["requested", "planned", "running", "paused"])
def test_a_run_under_way_has_not_ended(state: str) -> None:
    assert not RunStatus.from_json(run(state)).ended


@pytest.mark.parametrize("state", ["committed", "rehearsed", "cancelled", "failed", "interrupted"])
def test_a_run_that_will_not_move_again_has_ended(state: str) -> None:
    assert RunStatus.from_json(run(state)).ended


def test_fields_that_are_not_known_are_ignored() -> None:
    assert RunStatus.from_json(run("running") | {"latency": {"p50": 1}}).state == "running"


@pytest.mark.parametrize(
    "answer",
    [None, [], "run", {}, run("resting"), run("running", run=None), run("running", run="../x"), run("running", run="")],
)
def test_what_is_no_run_is_not_taken_for_one(answer: object) -> None:
    with pytest.raises(ValueError, match="run"):
        RunStatus.from_json(answer)


def test_live_figures_go_before_those_of_the_ledger() -> None:
    live = run("running", events_planned=501_072, rows_rejected=2) | {"progress": {"records": 120_000, "total": None}}
    assert RunStatus.from_json(live).progress() == (
        "run 0f3c9a5b7d1e2468: running, 120,000 of 501,072 events (23 %), 2 rejects"
    )
    ended = RunStatus.from_json(run("committed", events=501_072, rows_rejected=2))
    assert ended.summary() == {"run": "0f3c9a5b7d1e2468", "state": "committed", "events": 501_072, "rejects": 2}
    resumed = RunStatus.from_json(run("committed", events=1_072, events_before=500_000))
    assert resumed.summary()["events"] == 501_072


def test_a_run_without_figures_yet_has_none() -> None:
    assert RunStatus.from_json(run("requested")).progress() == "run 0f3c9a5b7d1e2468: requested, 0 events, 0 rejects"


def test_a_problems_words_are_its_title_and_detail() -> None:
    assert (
        problem_text({"title": "bad range", "detail": "end is before start"}, "x") == "bad range: end is before start"
    )
    assert problem_text({"title": "bad range"}, "x") == "bad range"
    assert problem_text("<html>", "Bad Gateway") == "Bad Gateway"


def test_a_scaled_runs_line_says_where_its_clock_is_and_how_late_it_was() -> None:
    progress = {
        "records": 7,
        "total": 9,
        "simulated_at": "2018-03-02T10:00:00Z",
        "scale_factor": 1000.0,
        "seconds_left": 40.2,
        "lateness_us": {"p50": 10, "p999": 300},
    }
    line = RunStatus.from_json(run("running") | {"progress": progress}).progress()
    assert line.endswith("0 rejects, at 2018-03-02T10:00:00Z, x 1,000, 40 s left, 0.3 ms late at p99.9")


def test_a_failure_says_ingests_words_rejects_and_guard_figures() -> None:
    status = RunStatus.from_json(
        run("failed", error="stopped before the first record", rows_rejected=3)
        | {"guard": {"vanishing": 1200, "covered": 5000}}
    )
    assert status.failure() == (
        "run 0f3c9a5b7d1e2468 failed: stopped before the first record; 3 rows rejected; "
        "guard covered 5,000, vanishing 1,200"
    )
