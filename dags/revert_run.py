"""### Revert a run

Brings back what the log held before a run, for the orders that it touched. Facts that a later run changed are listed
and left alone unless forced. Rehearsed first; then exactly that, or a refusal; then the views are waited for and
compared with the log. Needs what `window_backfill` needs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, Param, dag

from eip_provider import forms
from eip_provider.operators.rehearsal import EipRehearsalOperator
from eip_provider.operators.run import EipRunOperator
from eip_provider.operators.verify import EipVerifyOperator
from eip_provider.operators.visible import EipVisibleOperator
from eip_provider.requests import RUN_ID_PATTERN, RevertRun

if TYPE_CHECKING:
    from collections.abc import Mapping


def rehearsal_of(context: Context, _part: Mapping[str, Any]) -> RevertRun:
    """The revert, without doing anything."""
    params = context["params"]
    return RevertRun(run=params["run"], force=params["force"], reason=params["reason"], dry_run=True)


def revert_of(context: Context, _part: Mapping[str, Any]) -> RevertRun:
    """Exactly what was rehearsed."""
    params = context["params"]
    plan = context["ti"].xcom_pull(task_ids="rehearse")["plan"]
    return RevertRun(run=params["run"], force=params["force"], reason=params["reason"], plan=plan)


@dag(
    dag_id="revert_run",
    schedule=None,
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=2,
    dagrun_timeout=timedelta(hours=12),
    default_args=forms.DEFAULTS,
    params={
        "run": Param(
            type="string", pattern=RUN_ID_PATTERN, title="Run", description="The id of the run to undo: 16 hex digits."
        ),
        "force": Param(
            False,  # noqa: FBT003 - Airflow's signature
            type="boolean",
            title="Force",
            description="Also take back what later runs changed, and go beyond the guards.",
        ),
        "reason": forms.reason(),
    },
    tags=["eip", "correction"],
    doc_md=__doc__,
)
def revert_run() -> None:
    """Rehearsal, revert, wait, proof."""
    rehearse = EipRehearsalOperator(task_id="rehearse", request=rehearsal_of, pool=forms.POOL)
    revert = EipRunOperator(
        task_id="revert",
        request=revert_of,
        note="{{ ti.xcom_pull(task_ids='rehearse')['note'] }}",
        pool=forms.POOL,
        outlets=[forms.EVENTS],
    )
    visible = EipVisibleOperator(task_id="visible", run_id="{{ ti.xcom_pull(task_ids='revert')['run'] }}")
    rehearse >> revert >> visible >> EipVerifyOperator(task_id="verify")


revert_run()
