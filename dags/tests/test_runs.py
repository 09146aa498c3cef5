"""Laws of the plain values: keys, statuses and words."""

from __future__ import annotations

import pytest

from eip_provider.runs import RunStatus, asked_by, idempotency_key, problem_text
from scripted_ingest import run


def test_the_same_parts_give_the_same_key_and_other_parts_another() -> None:
    key = idempotency_key("fast_backfill", "manual__2018-03-01T00:00:00+00:00", "backfill")
    assert key == "fast_backfill/manual__2018-03-01T00:00:00+00:00/backfill"
    assert idempotency_key("a/b", "c") != idempotency_key("a", "b/c")
    assert idempotency_key("a", 0) != idempotency_key("a", 1)


def test_a_key_is_visible_ascii_whatever_a_run_is_called() -> None:
    key = idempotency_key("dag", "매일\r\nX-Evil: 1", "task")
    assert all(33 <= ord(character) <= 126 for character in key)


def test_a_key_is_never_longer_than_ingest_takes_and_still_its_own() -> None:
    long = "x" * 250
    assert len(idempotency_key(long, long, "task")) <= 255
    assert idempotency_key(long, long, "task") == idempotency_key(long, long, "task")
    assert idempotency_key(long, long, "task") != idempotency_key(long, long, "other")


def test_who_asked_and_from_where_fits_a_header_whatever_people_are_called() -> None:
    assert asked_by("maria", "a/b/c") == {"Eip-Requester": "maria", "Eip-Origin": "airflow a/b/c"}
    assert asked_by(None, "a/b/c")["Eip-Requester"] == "airflow"
    for value in asked_by("김\r\n" * 100, idempotency_key("x" * 250, "y" * 250)).values():
        assert value.isascii()
        assert value.isprintable()
        assert len(value) <= 255


@pytest.mark.parametrize("state", ["requested", "planned", "rehearsed", "running", "paused"])
def test_a_run_under_way_has_not_ended(state: str) -> None:
    assert not RunStatus.from_json(run(state)).ended


@pytest.mark.parametrize("state", ["committed", "cancelled", "failed", "interrupted"])
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


def test_a_run_without_figures_yet_has_none() -> None:
    assert RunStatus.from_json(run("requested")).progress() == "run 0f3c9a5b7d1e2468: requested, 0 events, 0 rejects"


def test_a_problems_words_are_its_title_and_detail() -> None:
    assert (
        problem_text({"title": "bad range", "detail": "end is before start"}, "x") == "bad range: end is before start"
    )
    assert problem_text({"title": "bad range"}, "x") == "bad range"
    assert problem_text("<html>", "Bad Gateway") == "Bad Gateway"
