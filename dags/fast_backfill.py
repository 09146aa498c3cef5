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
- **check** has Ingest read the dataset before anything is written; what would stop every run fails it, with the reason.
  Rows that Airflow pushes are judged by what Ingest answers: more rejected ones than `max_rejected` fail the task, with
  the first of them in its log; the events of the accepted ones are written then.
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
from eip_provider.operators.check import EipDataCheckOperator
from eip_provider.operators.rows import EipRowsOperator
from eip_provider.operators.run import EipRunOperator
from eip_provider.requests import DataCheckRequest, FastRun, RowsRequest

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_of(context: Context) -> DataCheckRequest | None:
    """The data that Ingest reads itself; rows that Airflow pushes may lie where only Airflow is."""
    params = context["params"]
    if params["delivery"] == "rows":
        return None
    return DataCheckRequest(
        dataset=params["dataset"], rules=params["rules"], as_of=params["as_of"], max_rejected=params["max_rejected"]
    )


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
        max_rejected=params.get("max_rejected"),
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
        "max_rejected": forms.max_rejected(),
        "mix": forms.mix(),
    },
    tags=["eip", "replay"],
    doc_md=__doc__,
)
def fast_backfill() -> None:
    """Check, partitions, then one mapped task a partition by the chosen delivery, then the sum."""

    @task(doc_md="The partitions of the range, from one look at the orders' purchase dates.")
    def partitions() -> list[dict[str, Any]]:
        from eip_provider import data, olist  # not at the top: parsing a DAG file stays cheap

        params = get_current_context()["params"]
        if params["delivery"] == "rows":
            seen = olist.survey(data.needed_folder(params["dataset"]))
            as_of = olist.usable_as_of(seen, params["as_of"])
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
        from eip_provider.operators.rows import refuse_rejected

        done = [part for delivered in deliveries for part in delivered or ()]
        refuse_rejected(done, get_current_context()["params"]["max_rejected"])
        return {"partitions": len(done)} | {name: sum(part[name] for part in done) for name in ("events", "rejects")}

    check = EipDataCheckOperator(task_id="check", request=check_of, pool=forms.POOL)
    parts = partitions()
    limits = {"pool": forms.POOL, "max_active_tis_per_dagrun": 2}
    pushed = EipRowsOperator.partial(
        task_id="push_rows", request=rows_of, max_rejected="{{ params.max_rejected or '' }}", **limits
    ).expand(part=parts)
    replayed = EipRunOperator.partial(task_id="replay", request=run_of, **limits).expand(part=parts)
    chosen = delivery()
    check >> [parts, chosen]
    chosen >> [pushed, replayed]
    total(pushed.output, replayed.output)


fast_backfill()
