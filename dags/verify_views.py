"""### Verify the views

Runs whenever another DAG has had events written (the asset `fulfillment-events`): waits until the views hold the end of
every run, then has `eip verify` recompute them from the log by other code. A difference fails the task with the report.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from eip_provider import forms
from eip_provider.operators.verify import EipVerifyOperator
from eip_provider.operators.visible import EipVisibleOperator


@dag(
    dag_id="verify_views",
    schedule=[forms.EVENTS],
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    dagrun_timeout=timedelta(hours=6),
    default_args=forms.DEFAULTS,
    tags=["eip", "check"],
    doc_md=__doc__,
)
def verify_views() -> None:
    """Wait, proof."""
    EipVisibleOperator(task_id="visible") >> EipVerifyOperator(task_id="verify")


verify_views()
