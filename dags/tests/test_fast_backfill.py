"""The DAG run by Airflow against a scripted Ingest: what crosses the wire, and how failures end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scripted_ingest import accepted, ended, problem

if TYPE_CHECKING:
    import pytest
    from airflow.sdk import DAG

    from scripted_ingest import ScriptedIngest

LOGICAL_DATE = datetime(2018, 4, 1, tzinfo=UTC)


def test_params_travel_in_the_body_and_the_key_names_dag_run_and_task(
    fast_backfill: DAG, ingest: ScriptedIngest
) -> None:
    ingest.answers = [accepted(), ended("committed", events=7)]
    conf = {"dataset": "spring", "start": "2018-03-01", "end": "2018-04-01", "host": "http://elsewhere", "path": "../x"}
    dag_run = fast_backfill.test(logical_date=LOGICAL_DATE, run_conf=conf)
    assert dag_run.state == "success"
    post = ingest.asked[0]
    assert post.path == "/v1/runs"
    assert post.headers["Idempotency-Key"] == f"fast_backfill/{dag_run.run_id}/backfill"
    assert post.body == {
        "mode": "fast",
        "dataset": "spring",
        "rules": "default",
        "start": "2018-03-01",
        "end": "2018-04-01",
    }
    assert {asked.path for asked in ingest.asked} == {"/v1/runs", "/v1/runs/0f3c9a5b7d1e2468"}


def test_a_failed_run_fails_the_task_at_once_in_ingests_words(
    fast_backfill: DAG, ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    words = "olist_orders_dataset.csv: unclosed quote, opened on line 17"
    ingest.answers = [accepted(), ended("failed", error=words)]
    assert fast_backfill.test(logical_date=LOGICAL_DATE).state == "failed"
    assert [asked.method for asked in ingest.asked] == ["POST", "GET"]
    assert words in "".join(capfd.readouterr())


def test_a_refusal_fails_the_task_at_once_in_ingests_words(
    fast_backfill: DAG, ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    words = "no dataset is called 'olist'; there are: spring"
    ingest.answers = [problem(422, "Unprocessable Content", words)]
    assert fast_backfill.test(logical_date=LOGICAL_DATE).state == "failed"
    assert len(ingest.asked) == 1
    assert words in "".join(capfd.readouterr())
