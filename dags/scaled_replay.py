"""### Scaled replay

Replays `[start_date, end_date)` at its own pace, `scale_factor` times as fast, or as fast as lets it last `duration`
seconds. The gaps between events stay true. Ingest keeps the schedule; this task starts it and then only looks,
deferred, for as long as it lasts: a scheduler or triggerer that dies changes nothing about the events.

The task's **Run** link leads to the run, which can be paused and re-paced there (`PATCH /v1/runs/{id}`). Failing or
clearing the task cancels it. Experiments belong into a space of their own: equal facts move no view a second time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, Param, dag

from eip_provider import forms
from eip_provider.operators.run import EipRunOperator
from eip_provider.requests import ScaledRun

if TYPE_CHECKING:
    from collections.abc import Mapping


def optional_number(kind: str, least: float, most: float, title: str, description: str) -> Param:
    """A number that may be left empty."""
    return Param(None, type=["null", kind], minimum=least, maximum=most, title=title, description=description)


def replay_of(context: Context, _part: Mapping[str, Any]) -> ScaledRun:
    """What was asked for; a duration goes before a factor."""
    params = context["params"]
    return ScaledRun(
        dataset=params["dataset"],
        rules=params["rules"],
        start=params["start_date"],
        end=params["end_date"],
        as_of=params["as_of"],
        scale_factor=None if params["duration"] else params["scale_factor"],
        duration=params["duration"],
        max_gap=params["max_gap"],
        max_events_per_second=params["max_events_per_second"],
        amplify=params["amplify"],
        seed=params["seed"],
        max_rejected=params["max_rejected"],
        mix=params["mix"],
        space=forms.space_of(params),
    )


@dag(
    dag_id="scaled_replay",
    schedule=None,
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    max_active_tasks=4,
    dagrun_timeout=timedelta(days=800),
    default_args=forms.DEFAULTS,
    params={
        "start_date": forms.needed_date("Start", "First event date."),
        "end_date": forms.needed_date("End", "First event date behind the range."),
        "scale_factor": Param(
            1000,
            type="number",
            minimum=1,
            maximum=1_000_000,
            title="Scale factor",
            description="How many times as fast as it happened; 1000 makes a week last ten minutes.",
        ),
        "duration": optional_number(
            "number", 1, 86_400 * 800, "Duration", "Seconds that the replay shall last; goes before the scale factor."
        ),
        "space": forms.space(),
        "dataset": forms.dataset(),
        "rules": forms.rules(),
        "as_of": forms.as_of(),
        "max_gap": optional_number(
            "integer", 1, 86_400 * 800, "Longest gap", "Longer simulated gaps are cut to these seconds."
        ),
        "max_events_per_second": optional_number("integer", 1, 10_000_000, "Events per second", "A ceiling."),
        "amplify": optional_number("integer", 1, 10_000, "Amplify", "Every order so many times; not into main."),
        "seed": optional_number("integer", 0, 2**53, "Seed", "Of the amplified orders' jitter."),
        "max_rejected": forms.max_rejected(),
        "mix": forms.mix(),
    },
    tags=["eip", "replay"],
    doc_md=__doc__,
)
def scaled_replay() -> None:
    """One task. No pool: a replay may take days, and a deferred task would hold its slot."""
    EipRunOperator(task_id="replay", request=replay_of, outlets=[forms.EVENTS])


scaled_replay()
