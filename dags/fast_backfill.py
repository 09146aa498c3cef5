"""### Fast backfill

Replays a range of fulfillment events as fast as Ingest can write them, with their own times unchanged.
Airflow says **when** and **which range**; Ingest reads the dataset, makes the events and appends them to the log.

- A fast backfill asserts and never retracts: repeating it changes no view. Corrections are a window backfill's work.
- The range `[start, end)` is half-open and in event time; leave both empty for everything.
- The task carries an Idempotency-Key made of DAG, run and task: a retry, or a Clear, finds or resumes the run that the
  first try started instead of starting another. Trigger the DAG again for a new run.
- A refusal (unknown dataset, bad range) or a failed run fails the task at once, in Ingest's own words; an Ingest
  that is away is waited for, then retried.

Needs the connection `eip_ingest` (`http://host:port`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from eip_provider.runs import NAME_PATTERN, FastRun, idempotency_key


def optional_date(title: str, description: str) -> Param:
    """A date that may be left empty; a form shows it with a calendar."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        title=title,
        description=description,
    )


@dag(
    dag_id="fast_backfill",
    schedule=None,
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    dagrun_timeout=timedelta(hours=6),
    default_args={
        "owner": "fulfillment-data",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
    },
    params={
        "dataset": Param(
            "olist",
            type="string",
            pattern=NAME_PATTERN,
            title="Dataset",
            description="A dataset's name in Ingest's configuration.",
        ),
        "rules": Param(
            "default",
            type="string",
            pattern=NAME_PATTERN,
            title="Rules",
            description="The name of the conversion rules in Ingest's configuration.",
        ),
        "start": optional_date("Start", "First event date; empty: from the first event."),
        "end": optional_date("End", "First event date no longer covered; empty: past the last event."),
    },
    tags=["eip", "replay"],
    doc_md=__doc__,
)
def fast_backfill() -> None:
    """Wires the one task."""

    @task(task_id="backfill", doc_md="Starts the run, follows it to its end, and hands on its id and counts.")
    def backfill() -> dict[str, Any]:
        from eip_provider.hook import EipIngestHook  # not at the top: parsing a DAG file stays cheap

        context = get_current_context()
        params, instance = context["params"], context["ti"]
        request = FastRun(dataset=params["dataset"], rules=params["rules"], start=params["start"], end=params["end"])
        key = idempotency_key(instance.dag_id, instance.run_id, instance.task_id)
        requester = context["dag_run"].triggering_user_name
        return EipIngestHook().run_to_end(request, key, requester).summary()

    backfill()


fast_backfill()
