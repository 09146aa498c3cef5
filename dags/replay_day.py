"""### Replay of a day

A window backfill of one day, the run's logical date. It is idempotent, so any day may be done again: unchanged data and
rules write nothing. Made for Airflow's own backfills, in the UI, over REST, or:

    airflow backfill create --dag-id replay_day --from-date 2018-03-01 --to-date 2018-03-03

with `--reprocess-behavior completed` for days that were done before. It never corrects beyond the guards, and does not
begin with data that cannot be meant: the task is red then, its log has the reason with the first rows, and no view has
changed. What the guards stop is `window_backfill`'s work, where a person looks at it first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, CronDataIntervalTimetable, dag

from eip_provider import forms
from eip_provider.operators.run import EipRunOperator
from eip_provider.requests import WindowRun

if TYPE_CHECKING:
    from collections.abc import Mapping


def day_of(context: Context, _part: Mapping[str, Any]) -> WindowRun:
    """The window of the day that is asked for, or of the logical date."""
    params = context["params"]
    logical = context.get("logical_date")
    if params["day"]:
        day = datetime.fromisoformat(params["day"]).date()
    elif logical:
        day = logical.date()
    else:
        raise ValueError("a run without a logical date needs the Param day")
    return WindowRun(
        dataset=params["dataset"],
        rules=params["rules"],
        start=day.isoformat(),
        end=(day + timedelta(days=1)).isoformat(),
        as_of=params["as_of"],
        emit="changed",
        max_rejected=params["max_rejected"],
    )


@dag(
    dag_id="replay_day",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    end_date=datetime(2018, 10, 18, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    dagrun_timeout=timedelta(hours=6),
    default_args=forms.DEFAULTS,
    params={
        "day": forms.optional_date("Day", "Instead of the logical date."),
        "dataset": forms.dataset(),
        "rules": forms.rules(),
        "as_of": forms.as_of(),
        "max_rejected": forms.max_rejected(),
    },
    tags=["eip", "correction"],
    doc_md=__doc__,
)
def replay_day() -> None:
    """One task."""
    EipRunOperator(task_id="replay", request=day_of, pool=forms.POOL, outlets=[forms.EVENTS])


replay_day()
