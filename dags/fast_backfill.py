"""### Fast backfill

`for date in full_range: read CSV partition, emit as soon as possible`. Every fulfillment event of a range, as fast as
Ingest can write, with its own time unchanged. Airflow says **when** and **which range**; Ingest makes the events.

- **Delivery `rows`**: each mapped task reads the CSV rows of the orders purchased in its partition and pushes them,
  raw, over HTTP. Needs the connection `eip_data` (extra `{"datasets": {"olist": "/folder"}}`). With `start` or `end`
  all partitions are read, because an order's events may lie far from its purchase; Ingest cuts by event time.
- **Delivery `reference`**: Ingest reads the partition itself, cut by event time; faster. Where Airflow does not know
  the dataset's files, one task does the whole range.
- Both give the same facts. A fast backfill asserts and never retracts: repeating it changes no view. Corrections are
  `window_backfill`'s work.
- The range `[start, end)` is half-open and in event time; leave both empty for everything.
- A retry finds or resumes what its earlier try started. A Clear of a finished task starts it anew.
- A refusal (unknown dataset, bad range) or a failed run fails the task at once, in Ingest's own words; an Ingest
  that is away is waited for, then retried.

Needs the connection `eip_ingest` (`http://host:port`) and the pool `eip_ingest`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, Param, dag, get_current_context, task

from eip_provider import forms
from eip_provider.operators.rows import EipRowsOperator
from eip_provider.operators.run import EipRunOperator
from eip_provider.requests import FastRun, RowsRequest

if TYPE_CHECKING:
    from collections.abc import Mapping


def rows_of(context: Context, part: Mapping[str, Any]) -> RowsRequest:
    """How the partition's rows are converted."""
    params = context["params"]
    return RowsRequest(
        rules=params["rules"],
        as_of=part["as_of"],
        start=params["start"],
        end=params["end"],
        space=forms.space_of(params),
    )


def run_of(context: Context, part: Mapping[str, Any]) -> FastRun:
    """The partition as a range that Ingest reads itself."""
    params = context["params"]
    return FastRun(
        dataset=params["dataset"],
        rules=params["rules"],
        start=part["first"],
        end=part["behind"],
        as_of=part["as_of"],
        mix=params["mix"],
        space=forms.space_of(params),
    )


@dag(
    dag_id="fast_backfill",
    schedule=None,
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=4,
    dagrun_timeout=timedelta(hours=6),
    default_args=forms.DEFAULTS,
    params={
        "dataset": forms.dataset(),
        "rules": forms.rules(),
        "start": forms.optional_date("Start", "First event date; empty: from the first event."),
        "end": forms.optional_date("End", "First event date no longer covered; empty: past the last event."),
        "delivery": Param(
            "rows",
            type="string",
            enum=["rows", "reference"],
            title="Delivery",
            description="rows: Airflow reads the CSV partition and pushes it; reference: Ingest reads it itself.",
        ),
        "partition": Param(
            "month",
            type="string",
            enum=["month", "quarter", "year"],
            title="Partition",
            description="How much of the range one mapped task does.",
        ),
        "as_of": forms.as_of(),
        "space": forms.space(),
        "mix": forms.mix(),
    },
    tags=["eip", "replay"],
    doc_md=__doc__,
)
def fast_backfill() -> None:
    """Partitions, then one mapped task a partition by the chosen delivery, then the sum."""

    @task(doc_md="The partitions of the range, from one look at the orders' purchase dates.")
    def partitions() -> list[dict[str, Any]]:
        from eip_provider import data, olist  # not at the top: parsing a DAG file stays cheap

        params = get_current_context()["params"]
        if params["delivery"] == "rows":
            seen = olist.survey(data.needed_folder(params["dataset"]))
            as_of = params["as_of"] or seen.as_of
            return [part | {"as_of": as_of} for part in olist.partitions(list(seen.purchases), params["partition"])]
        folder = data.dataset_folder(params["dataset"])
        months = list(olist.survey(folder).purchases) if folder else []
        parts = olist.partitions(months, params["partition"])
        return olist.event_ranges(parts, params["start"], params["end"], params["as_of"])

    @task.branch(doc_md="The delivery that was asked for.")
    def delivery() -> str:
        return "push_rows" if get_current_context()["params"]["delivery"] == "rows" else "replay"

    @task(
        trigger_rule="none_failed_min_one_success",
        outlets=[forms.EVENTS],
        doc_md="What all partitions wrote together.",
    )
    def total(*deliveries: Any) -> dict[str, Any]:  # noqa: ANN401 - what the mapped tasks hand on, none where skipped
        done = [part for delivered in deliveries for part in delivered or ()]
        return {"partitions": len(done)} | {name: sum(part[name] for part in done) for name in ("events", "rejects")}

    parts = partitions()
    limits = {"pool": forms.POOL, "max_active_tis_per_dagrun": 2}
    pushed = EipRowsOperator.partial(task_id="push_rows", request=rows_of, **limits).expand(part=parts)
    replayed = EipRunOperator.partial(task_id="replay", request=run_of, **limits).expand(part=parts)
    delivery() >> [pushed, replayed]
    total(pushed.output, replayed.output)


fast_backfill()
