"""What a real Airflow's tasks and processes do to the events when they are killed or stopped in the middle: nothing.

A task dies when Ingest has done what it asked and the answer is still on its way (`gate`): the one moment at which a
run goes on, or has ended, that nobody in Airflow knows of. See `airflow_chain`.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import pytest

from airflow_chain import digests
from eip_binary import eip, needs_eip
from real_airflow import ENDED, children_of, wait_for, words_of

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_chain import Chain
    from real_airflow import RealAirflow

pytestmark = needs_eip

WEEK = {"start_date": "2018-03-01", "end_date": "2018-03-08", "mix": True}
RUNS = rb"POST /v1/runs .*Idempotency-Key: \S+/%s/0\.0\r\n"
"""The head of a request that starts a task's run."""


def killed_unheard(airflow: RealAirflow, chain: Chain, dag_id: str, task_id: str, **conf: Any) -> str:  # noqa: ANN401
    """Runs a DAG whose task is killed once, when Ingest has its run and has not been heard; gives the run's id."""
    with chain.gate.holding(RUNS % task_id.encode()) as kept_back:
        run_id = airflow.started(dag_id, **conf)
        wait_for(lambda: bool(kept_back), lambda: airflow.tasks(dag_id, run_id))
        before = chain.runs_of(dag_id, run_id)
        assert before[-1]["origin"] == f"airflow {dag_id}/{run_id}/{task_id}/0.0"
        airflow.kill_tasks()
        airflow.await_another_try(dag_id, run_id, task_id)
    assert airflow.finished(dag_id, run_id) == "success"
    (instance,) = airflow.instances(dag_id, run_id, task_id)
    assert instance["try_number"] == 2
    after = chain.runs_of(dag_id, run_id)
    assert [run["run"] for run in after[: len(before)]] == [run["run"] for run in before]
    origins = [run["origin"] for run in after]
    assert all(origin.endswith("/0.0") for origin in origins), origins
    assert len(set(origins)) == len(origins)
    assert all(run["attempt"] == 1 for run in after)
    return run_id


@pytest.mark.parametrize(
    ("dag_id", "task_id", "conf"),
    [
        ("replay_day", "replay", {"day": "2018-03-06"}),
        ("scaled_replay", "replay", WEEK | {"duration": 3}),
        ("window_backfill", "rehearse", {"start_date": "2018-03-20", "end_date": "2018-03-22"}),
    ],
    ids=["replay_day", "scaled_replay", "window_backfill"],
)
def test_a_task_that_is_killed_finds_the_run_that_goes_on(
    filled: RealAirflow, chain: Chain, dag_id: str, task_id: str, conf: dict[str, Any]
) -> None:
    before = chain.digests()
    run_id = killed_unheard(filled, chain, dag_id, task_id, **conf)
    rehearsed = ["rehearsed"] * (task_id == "rehearse")
    assert [run["state"] for run in chain.runs_of(dag_id, run_id)] == [*rehearsed, "committed"]
    assert "are equal" in chain.verify()
    assert chain.digests() == before


def test_a_correction_and_a_revert_that_are_killed_do_what_was_rehearsed(filled: RealAirflow, chain: Chain) -> None:
    before = chain.digests()
    march = {"start_date": "2018-03-01", "end_date": "2018-04-01", "rules": "end-of-day"}
    run_id = killed_unheard(filled, chain, "window_backfill", "correct", **march)
    rehearsal, correction = chain.runs_of("window_backfill", run_id)
    assert (rehearsal["state"], correction["state"]) == ("rehearsed", "committed")
    assert correction["counts"]["facts_changed"] > 0
    assert chain.digests() != before
    run_id = killed_unheard(filled, chain, "revert_run", "revert", run=correction["run"])
    undoing, revert = chain.runs_of("revert_run", run_id)
    assert (undoing["state"], revert["state"]) == ("rehearsed", "committed")
    # What the revert finds in the log is what the correction's rehearsal said would be there, and it brings back what
    # that had found.
    announced, found = (chain.get(f"/v1/runs/{run['run']}/rehearsal") for run in (rehearsal, undoing))
    assert found["facts_before"] == announced["facts_after"] != announced["facts_before"] == found["facts_after"]
    assert "are equal" in chain.verify()
    assert chain.digests() == before


@pytest.mark.parametrize(
    ("delivery", "task_id", "unheard"),
    [
        ("rows", "push_rows", rb"POST /v1/rows\?.*Idempotency-Key: \S+/push_rows/\d+/0\.1\r\n"),
        ("reference", "replay", RUNS % rb"replay/[12]"),
    ],
    ids=["rows", "reference"],
)
def test_a_backfill_that_is_killed_in_the_middle_doubles_nothing(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    filled: RealAirflow, chain: Chain, tmp_path: Path, delivery: str, task_id: str, unheard: bytes
) -> None:
    dag_id, space = "fast_backfill", f"killed-{delivery}"
    with chain.gate.holding(unheard) as kept_back:
        run_id = filled.started(dag_id, dataset="more", delivery=delivery, partition="year", space=space)
        # Two parts run side by side, and either may reach Ingest first.
        wait_for(
            lambda: bool(kept_back) and len(chain.runs_of(dag_id, run_id, space)) > 1,
            lambda: filled.tasks(dag_id, run_id),
        )
        before = {run["origin"]: run["run"] for run in chain.runs_of(dag_id, run_id, space)}
        filled.kill_tasks()
        filled.await_another_try(dag_id, run_id, task_id)
    assert filled.finished(dag_id, run_id) == "success"
    parts = filled.instances(dag_id, run_id, task_id)
    assert {one["state"] for one in parts} == {"success"}
    assert max(one["try_number"] for one in parts) > 1
    runs = chain.runs_of(dag_id, run_id, space)
    assert before.items() <= {run["origin"]: run["run"] for run in runs}.items()
    assert {run["state"] for run in runs} == {"committed"}
    assert set(Counter(run["origin"] for run in runs).values()) == {1}
    # In the log there is nothing but what these runs wrote, and in the views what an undisturbed backfill gives.
    events = sum(run["counts"]["events"] for run in runs)
    assert filled.xcom(dag_id, run_id, "total") == {"partitions": len(parts), "events": events, "rejects": 0}
    assert sum(max(ends) for ends in zip(*(run["end_offsets"] for run in runs), strict=True)) == events
    eip("dataflow", "--state", chain.state, "--space", space, "--until-caught-up")
    assert "are equal" in chain.verify(space)
    eip("replay", "fast", "--data", chain.more, "--state", tmp_path / "undisturbed")
    assert chain.digests(space) == digests(tmp_path / "undisturbed", "main", tmp_path / "exported")


def test_a_verification_that_is_killed_is_simply_done_again(filled: RealAirflow, chain: Chain) -> None:
    def runs() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = filled.get("/dags/verify_views/dagRuns", limit="100")["dag_runs"]
        return found

    # One at a time: an earlier one that begins meanwhile would be the one that is held.
    wait_for(lambda: all(run["state"] in ENDED for run in runs()), runs)
    chain.hold_verify.touch()
    try:
        run_id = filled.started("verify_views")
        wait_for(
            lambda: any(children_of(task) for task in filled.task_processes()),
            lambda: filled.tasks("verify_views", run_id),
        )
        filled.kill_tasks()
        filled.await_another_try("verify_views", run_id, "verify")
    finally:
        chain.hold_verify.unlink()
    assert filled.finished("verify_views", run_id) == "success"
    assert "are equal" in filled.log("verify_views", run_id, "verify", attempt=2)


def test_a_process_that_has_ended_but_is_not_collected_runs_no_task() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        seen = psutil.Process(process.pid)
        assert words_of(seen) == ["/bin/sleep", "60"]
        process.kill()
        wait_for(lambda: seen.status() == psutil.STATUS_ZOMBIE, seen.status)
        assert words_of(seen) == []
    assert words_of(seen) == children_of(seen) == []


def deferred(airflow: RealAirflow, chain: Chain, **conf: Any) -> str:  # noqa: ANN401
    """Starts a scaled replay of the week; returns when events are written and the triggerer is what waits."""
    run_id = airflow.started("scaled_replay", **WEEK, **conf)
    wait_for(
        lambda: (
            airflow.tasks("scaled_replay", run_id)["replay"] == "deferred"
            and chain.written("scaled_replay", run_id) > 20
        ),
        lambda: airflow.tasks("scaled_replay", run_id),
    )
    return run_id


def test_a_triggerer_that_is_killed_changes_nothing(filled: RealAirflow, chain: Chain) -> None:
    run_id = deferred(filled, chain, duration=12)
    filled.script("kill", "airflow-triggerer")
    wait_for(lambda: chain.runs_of("scaled_replay", run_id)[0]["state"] == "committed", chain.runs)
    filled.script("start", "airflow-triggerer")
    assert filled.finished("scaled_replay", run_id) == "success"
    assert len(chain.runs_of("scaled_replay", run_id)) == 1


def test_a_triggerer_that_is_stopped_for_ten_seconds_disturbs_no_schedule(filled: RealAirflow, chain: Chain) -> None:
    stop, duration = 10.0, 18.0
    run_id = deferred(filled, chain, duration=duration)
    filled.script("pause", "airflow-triggerer")
    try:
        before = chain.written("scaled_replay", run_id)
        time.sleep(stop)
        assert filled.leader("airflow-triggerer").status() == psutil.STATUS_STOPPED
        (during,) = chain.runs_of("scaled_replay", run_id)
        assert filled.tasks("scaled_replay", run_id)["replay"] == "deferred"
    finally:
        filled.script("resume", "airflow-triggerer")
    assert filled.finished("scaled_replay", run_id) == "success"
    (run,) = chain.runs_of("scaled_replay", run_id)
    assert (run["state"], run["attempt"]) == ("committed", 1)
    counts = run["counts"]
    assert counts["events"] == counts["events_planned"] > 0
    # Events were written all the while, and none waited for the triggerer: neither the whole nor the latest of them.
    assert max(during["counts"].get("events", 0), (during["progress"] or {}).get("records", 0)) > before > 0
    pace = chain.get(f"/v1/runs/{run['run']}/latency.json")
    assert pace["lateness_us"]["max"] == counts["lateness_us_max"] < stop / 2 * 1e6
    assert duration / 2 * 1e6 < pace["span_intended_us"] <= duration * 1e6
    assert abs(pace["span_us"] - pace["span_intended_us"]) < stop / 2 * 1e6


def test_an_ingest_that_dies_in_the_middle_goes_on_with_the_same_run(filled: RealAirflow, chain: Chain) -> None:
    run_id = deferred(filled, chain, duration=30)
    chain.kill("ingest")
    chain.start("ingest")
    assert filled.finished("scaled_replay", run_id) == "success"
    (run,) = chain.runs_of("scaled_replay", run_id)
    assert run["state"] == "committed"
    assert run["attempt"] > 1
    assert run["counts"]["events_before"] > 0
    assert run["counts"]["events_before"] + run["counts"]["events"] == run["counts"]["events_planned"]
    assert chain.verify()
