"""The DAGs run by Airflow against scripted services: what crosses the wire, what is waited for, how failures end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dag_runs import WINDOW, finished, ran, ready, write_dataset
from scripted_ingest import RUN_ID, Answer, accepted, ended, problem, run, running, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

    from scripted_ingest import ScriptedIngest

DEFERRED = "Pausing task as DEFERRED"
"""What Airflow's log says of a task that is left to the triggerer."""

REHEARSED = Answer(
    200,
    run("rehearsed", orders_covered=5000, events_planned=12)
    | {"plan": "abc123", "guard": {"vanishing": 1200, "covered": 5000, "retracted": 0, "facts": 9000}},
)
REPORT = {
    "guard": None,
    "route_stats_daily": {"added": 1, "removed": 2, "changed": 3},
    "vanishing": {"count": 7, "names": [f"order-{n}" for n in range(7)]},
}


pytestmark = pytest.mark.usefixtures("soon", "verifies")


def test_params_travel_in_the_body_and_the_key_names_dag_run_task_and_part(
    dags: dict[str, DAG], ingest: ScriptedIngest
) -> None:
    ingest.answers = [accepted(), ended("committed", events=7)]
    dag_run = ran(
        dags["fast_backfill"],
        "success",
        delivery="reference",
        dataset="spring",
        start="2018-03-01",
        end="2018-04-01",
        host="http://elsewhere",
        path="../x",
    )
    (post,) = ingest.posted()
    assert post.headers["Idempotency-Key"] == f"fast_backfill/{dag_run.run_id}/replay/0/0.0"
    assert post.body == {
        "mode": "fast",
        "dataset": "spring",
        "rules": "default",
        "start": "2018-03-01",
        "end": "2018-04-01",
    }
    assert {asked.path for asked in ingest.asked} == {
        "/v1/datasets/spring/check",
        "/v1/runs",
        f"/v1/runs/{RUN_ID}",
    }
    assert dag_run.get_task_instance("total").xcom_pull(task_ids="total") == {
        "partitions": 1,
        "events": 7,
        "rejects": 0,
    }


def test_the_runs_page_and_receipt_are_linked(dags: dict[str, DAG], ingest: ScriptedIngest) -> None:
    ingest.answers = [accepted(), ended("committed", events=7)]
    dag_run = ran(dags["scaled_replay"], "success", **WINDOW, space="peak", duration=5)
    instance = dag_run.get_task_instance("replay")
    page = f"{ingest.url}/v1/runs/{RUN_ID}"
    assert instance.xcom_pull(task_ids="replay", key="_link_EipRunLink") == f"{page}?space=peak"
    assert instance.xcom_pull(task_ids="replay", key="_link_EipReceiptLink") == f"{page}/receipt?space=peak"


def test_a_replays_pace_is_in_the_body(dags: dict[str, DAG], ingest: ScriptedIngest) -> None:
    ingest.answers = [accepted(), ended("committed")]
    ran(dags["scaled_replay"], "success", **WINDOW, space="peak", scale_factor=2.5, amplify=3)
    assert ingest.posted()[0].body == {
        "mode": "scaled",
        "space": "peak",
        "dataset": "olist",
        "rules": "default",
        "start": "2018-03-01",
        "end": "2018-04-01",
        "scale_factor": 2.5,
        "amplify": 3,
    }


def test_rows_of_each_month_are_pushed_by_a_task_of_their_own(
    dags: dict[str, DAG], ingest: ScriptedIngest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path)
    extra = f'{{"datasets": {{"olist": "{tmp_path}"}}}}'
    monkeypatch.setenv("AIRFLOW_CONN_EIP_DATA", f'{{"conn_type": "fs", "extra": {extra}}}')
    ingest.answers = [verdicts({"run": RUN_ID, "state": "committed", "accepted": 3, "rejected": 0, "events": 2})]
    dag_run = ran(dags["fast_backfill"], "success", space="rows")
    first, second = sorted(ingest.posted(), key=lambda asked: asked.headers["Idempotency-Key"])
    assert first.headers["Idempotency-Key"] == f"fast_backfill/{dag_run.run_id}/push_rows/0/0.0"
    assert second.headers["Idempotency-Key"] == f"fast_backfill/{dag_run.run_id}/push_rows/1/0.0"
    assert first.path == second.path == "/v1/rows?rules=default&as_of=2018-02-03T00%3A00%3A00Z&space=rows"
    assert [line["file"] for line in first.body] == ["orders", "order_items", "customers", "sellers"]
    assert [asked.body[0]["row"]["order_id"] for asked in (first, second)] == ["a", "b"]
    total = dag_run.get_task_instance("total").xcom_pull(task_ids="total")
    assert total == {"partitions": 2, "events": 4, "rejects": 0}


def test_rows_of_a_dataset_that_airflow_does_not_have_fail_at_once(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    ran(dags["fast_backfill"], "failed")
    assert ingest.asked == []
    assert "names no folder of dataset 'olist'" in "".join(capfd.readouterr())


def test_a_window_is_rehearsed_then_done_as_announced_then_seen_and_verified(
    dags: dict[str, DAG], ingest: ScriptedIngest, api: ScriptedIngest, verifies: Path
) -> None:
    ingest.fixed[f"GET /v1/runs/{RUN_ID}/rehearsal"] = Answer(200, REPORT)
    ingest.answers = [accepted(), REHEARSED, accepted(), running(4), finished()]
    api.answers = [ready(0), ready(5, 7)]
    dag_run = ran(dags["window_backfill"], "success", **WINDOW, rules="tuesday", emit="changed")
    rehearsal, correction = ingest.posted()
    asked_for = {
        "mode": "window",
        "dataset": "olist",
        "rules": "tuesday",
        "start": "2018-03-01",
        "end": "2018-04-01",
        "emit": "changed",
    }
    assert rehearsal.body == asked_for | {"dry_run": True}
    assert correction.body == asked_for | {"plan": "abc123"}
    handed_on = dag_run.get_task_instance("rehearse").xcom_pull(task_ids="rehearse")
    assert handed_on["plan"] == "abc123"
    assert handed_on["would_stop"] is False
    assert "| orders covered | 5,000 |" in handed_on["note"]
    assert "- vanishing: 7 (`order-0`" in handed_on["note"]
    assert dag_run.get_task_instance("approve").state == "skipped"
    assert verifies.read_text().split() == ["verify", "--start", "2018-03-01", "--end", "2018-04-01"]


def test_a_run_that_ends_soon_is_waited_for_in_the_worker(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    ingest.answers = [accepted(), running(1), running(4), ended("committed", events=7)]
    ran(dags["scaled_replay"], "success", **WINDOW)
    assert [asked.method for asked in ingest.asked] == ["GET", "POST", "GET", "GET", "GET"]
    assert DEFERRED not in "".join(capfd.readouterr())


def test_one_that_takes_longer_is_left_to_the_triggerer(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dags["scaled_replay"].get_task("replay"), "stay", 0.0)
    ingest.answers = [accepted(), running(1), running(4), ended("committed", events=7)]
    dag_run = ran(dags["scaled_replay"], "success", **WINDOW)
    assert DEFERRED in "".join(capfd.readouterr())
    assert dag_run.get_task_instance("replay").xcom_pull(task_ids="replay")["events"] == 7


def test_an_interruption_while_the_worker_waits_is_tried_again(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    ingest.answers = [accepted(), running(1), ended("interrupted", events=3)]
    ran(dags["scaled_replay"], "failed", **WINDOW)
    assert "was interrupted after 3 events; a retry resumes it" in "".join(capfd.readouterr())
    assert len(ingest.posted()) == 1


def test_views_that_take_longer_are_left_to_the_triggerer(
    dags: dict[str, DAG],
    ingest: ScriptedIngest,
    api: ScriptedIngest,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dags["verify_views"].get_task("visible"), "stay", 0.0)
    ingest.lists(run("committed") | {"end_offsets": [5, 2]})
    api.answers = [ready(5, 0), ready(5, 1), ready(5, 2)]
    ran(dags["verify_views"], "success")
    assert DEFERRED in "".join(capfd.readouterr())
    assert len(api.asked) == 3


def test_another_window_run_under_way_is_waited_for(
    dags: dict[str, DAG], ingest: ScriptedIngest, api: ScriptedIngest
) -> None:
    winner = "00000000000000aa"
    ingest.fixed[f"GET /v1/runs/{winner}"] = Answer(200, run("failed", run=winner))
    ingest.answers = [problem(409, "Conflict", f"run {winner} is under way", run=winner), accepted(), finished()]
    api.answers = [ready(5, 7)]
    ran(dags["replay_day"], "success")
    first, second = ingest.posted()
    assert first.body == second.body
    assert first.body["start"], first.body["end"] == ("2018-04-01", "2018-04-02")
    assert f"/v1/runs/{winner}" in {asked.path for asked in ingest.asked}


def test_a_revert_is_rehearsed_and_bound_to_its_plan(
    dags: dict[str, DAG], ingest: ScriptedIngest, api: ScriptedIngest
) -> None:
    ingest.answers = [accepted(), REHEARSED, accepted(), finished()]
    api.answers = [ready(5, 7)]
    ran(dags["revert_run"], "success", run="00000000000000aa")
    rehearsal, revert = ingest.posted()
    assert rehearsal.body == {"mode": "revert", "run": "00000000000000aa", "dry_run": True}
    assert revert.body == {"mode": "revert", "run": "00000000000000aa", "plan": "abc123"}


def test_the_views_are_verified_once_they_hold_every_run(
    dags: dict[str, DAG], ingest: ScriptedIngest, api: ScriptedIngest, verifies: Path
) -> None:
    ingest.lists(run("committed") | {"end_offsets": [5, 2]}, run("committed") | {"end_offsets": [4, 7]})
    api.answers = [ready(5, 6), ready(5, 7)]
    ran(dags["verify_views"], "success")
    assert len(api.asked) == 2
    assert verifies.read_text().split() == ["verify"]


def test_views_that_differ_fail_with_the_report(
    dags: dict[str, DAG],
    ingest: ScriptedIngest,
    api: ScriptedIngest,
    verifies: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ingest.lists(run("committed") | {"end_offsets": [5]})
    api.answers = [ready(5)]
    (verifies.parent / "eip").write_text("#!/bin/sh\necho shipments: 3 rows differ\nexit 1\n")
    ran(dags["verify_views"], "failed")
    assert "shipments: 3 rows differ" in "".join(capfd.readouterr())


def test_a_failed_run_fails_the_task_at_once_in_ingests_words(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    words = "olist_orders_dataset.csv: unclosed quote, opened on line 17"
    ingest.answers = [accepted(), ended("failed", error=words)]
    ran(dags["replay_day"], "failed")
    assert len(ingest.posted()) == 1
    assert words in "".join(capfd.readouterr())


def test_a_refusal_fails_the_task_at_once_in_ingests_words(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    words = "no dataset is called 'olist'; there are: spring"
    ingest.answers = [problem(422, "Unprocessable Content", words)]
    ran(dags["replay_day"], "failed")
    assert len(ingest.posted()) == 1
    assert words in "".join(capfd.readouterr())
