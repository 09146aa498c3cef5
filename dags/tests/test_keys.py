"""Laws of the keys: what a retry finds, what a Clear starts anew, and that a key is always a header value."""

from __future__ import annotations

import pytest

from eip_provider.keys import asked_by, key_for, key_prefix
from eip_provider.runs import RunStatus
from scripted_ingest import run

PREFIX = "fast_backfill/manual__1/replay/3"


def known(state: str, key: str) -> RunStatus:
    return RunStatus.from_json(run(state) | {"origin": f"airflow {key}"})


def test_the_same_parts_give_the_same_prefix_and_other_parts_another() -> None:
    prefix = key_prefix("fast_backfill", "manual__2018-03-01T00:00:00+00:00", "replay", 3)
    assert prefix == "fast_backfill/manual__2018-03-01T00:00:00+00:00/replay/3"
    assert key_prefix("a/b", "c") != key_prefix("a", "b/c")
    assert key_prefix("a", 0) != key_prefix("a", 1)


def test_a_key_is_visible_ascii_whatever_a_run_is_called() -> None:
    assert all(33 <= ord(character) <= 126 for character in key_prefix("dag", "매일\r\nX-Evil: 1", "task"))


def test_a_key_is_never_longer_than_ingest_takes_and_still_its_own() -> None:
    long = "x" * 250
    key = key_for(key_prefix(long, long, "task"), 12, [], retry=False, resumes=True)
    assert len(asked_by("김\r\n" * 100, key)["Eip-Origin"]) <= 255
    assert key_prefix(long, long, "task") == key_prefix(long, long, "task")
    assert key_prefix(long, long, "task") != key_prefix(long, long, "other")


def test_who_asked_and_from_where_fits_a_header_whatever_people_are_called() -> None:
    assert asked_by("maria", "a/b/c") == {"Eip-Requester": "maria", "Eip-Origin": "airflow a/b/c"}
    assert asked_by(None, "a/b/c")["Eip-Requester"] == "airflow"
    value = asked_by("김\r\n" * 100, "k")["Eip-Requester"]
    assert value.isascii()
    assert value.isprintable()
    assert len(value) <= 255


def test_the_first_try_starts_the_first_run() -> None:
    assert key_for(PREFIX, 0, [], retry=False, resumes=True) == f"{PREFIX}/0.0"


@pytest.mark.parametrize("state", ["requested", "running", "paused", "interrupted", "committed"])
def test_a_retry_finds_what_its_earlier_try_started(state: str) -> None:
    runs = [known(state, f"{PREFIX}/0.0")]
    assert key_for(PREFIX, 0, runs, retry=True, resumes=True) == f"{PREFIX}/0.0"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_retry_after_the_run_was_ended_starts_another(state: str) -> None:
    runs = [known(state, f"{PREFIX}/0.0")]
    assert key_for(PREFIX, 0, runs, retry=True, resumes=True) == f"{PREFIX}/0.1"


@pytest.mark.parametrize("state", ["failed", "cancelled", "committed"])
def test_a_clear_of_a_finished_task_starts_anew(state: str) -> None:
    runs = [known(state, f"{PREFIX}/0.0")]
    assert key_for(PREFIX, 1, runs, retry=False, resumes=True) == f"{PREFIX}/1.1"


def test_a_retry_after_a_clear_does_not_take_the_run_before_the_clear_for_its_own() -> None:
    runs = [known("committed", f"{PREFIX}/0.0")]
    assert key_for(PREFIX, 1, runs, retry=True, resumes=True) == f"{PREFIX}/1.1"


def test_a_clear_of_a_task_whose_run_lives_finds_it() -> None:
    runs = [known("committed", f"{PREFIX}/0.0"), known("running", f"{PREFIX}/1.1")]
    assert key_for(PREFIX, 2, runs, retry=False, resumes=False) == f"{PREFIX}/1.1"


def test_a_clear_goes_on_with_an_interrupted_run_only_where_that_makes_sense() -> None:
    runs = [known("interrupted", f"{PREFIX}/0.0")]
    assert key_for(PREFIX, 1, runs, retry=False, resumes=True) == f"{PREFIX}/0.0"
    assert key_for(PREFIX, 1, runs, retry=False, resumes=False) == f"{PREFIX}/1.1"


def test_other_tasks_runs_are_nobodys_business() -> None:
    others = [known("running", f"{PREFIX}0/0.0"), known("running", "another/0.0"), RunStatus.from_json(run("running"))]
    assert key_for(PREFIX, 0, others, retry=True, resumes=True) == f"{PREFIX}/0.0"
