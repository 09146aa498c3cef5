"""### Window backfill

Makes all orders again that have a fact in `[start_date, end_date)`, under the present data and the given rules, and
retracts what no longer holds: the correction of an incident, whole or not at all.

1. **check** has Ingest read the dataset; what it finds is in the log. Files that cannot be read fail it. So does what
   would stop every run, if `approval` is `never`; otherwise that is left to step 3.
2. **rehearse** says what would happen: figures beside their limits and names, in its log, as XCom, and as a note.
3. **decide** goes on where the guards would let the run through; otherwise **approve** asks a person (Required
   Actions), showing the note. `approval` can also ask always, or never: then a guard fails the run, in Ingest's own
   words. What no person can let through (no order at all, a wrong asOf) goes on too, and fails with the reason.
4. **correct** does exactly what was rehearsed (the plan's token), or refuses. One that a person approved has its limits
   raised to the rehearsed figures and not beyond. Another window run under way is waited for.
5. **visible** waits until the views show it, **verify** recomputes the window from the log and compares.

The receipt, one page for the incident's ticket, with the `reason`, is linked from **correct**. `revert_run` undoes it.
Needs the connections `eip_ingest` and `eip_api`, the pool `eip_ingest`, and the program `eip` on the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param, dag, get_current_context, task

from eip_provider import forms
from eip_provider.operators.check import EipDataCheckOperator
from eip_provider.operators.rehearsal import EipRehearsalOperator
from eip_provider.operators.run import EipRunOperator
from eip_provider.operators.verify import EipVerifyOperator
from eip_provider.operators.visible import EipVisibleOperator
from eip_provider.requests import DataCheckRequest, WindowRun

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = "{{ ti.xcom_pull(task_ids='rehearse')['note'] }}"


def check_of(context: Context) -> DataCheckRequest:
    """The data of the window, under its limit."""
    params = context["params"]
    return DataCheckRequest(
        dataset=params["dataset"], rules=params["rules"], as_of=params["as_of"], max_rejected=params["max_rejected"]
    )


def rehearsal_of(context: Context, _part: Mapping[str, Any]) -> WindowRun:
    """The run, without doing anything."""
    params = context["params"]
    return WindowRun(
        dataset=params["dataset"],
        rules=params["rules"],
        start=params["start_date"],
        end=params["end_date"],
        as_of=params["as_of"],
        emit=params["emit"],
        mix=params["mix"],
        reason=params["reason"],
        max_rejected=params["max_rejected"],
        max_lost_regions=params["max_lost_regions"],
        trust_damaged_files=params["trust_damaged_files"],
        dry_run=True,
    )


def correction_of(context: Context, _part: Mapping[str, Any]) -> WindowRun:
    """Exactly what was rehearsed; with an approval, limits as high as its figures."""
    params, instance = context["params"], context["ti"]
    rehearsed = instance.xcom_pull(task_ids="rehearse")
    approved = instance.xcom_pull(task_ids="approve") is not None
    raised = rehearsed["guard"] if approved and rehearsed["would_stop"] else {}
    return WindowRun(
        dataset=params["dataset"],
        rules=params["rules"],
        start=params["start_date"],
        end=params["end_date"],
        as_of=params["as_of"],
        emit=params["emit"],
        mix=params["mix"],
        reason=params["reason"],
        plan=rehearsed["plan"],
        max_vanishing=raised.get("vanishing"),
        max_retracted=raised.get("retracted"),
        max_lost_regions=raised.get("lost_regions") or params["max_lost_regions"],
        max_rejected=(approved and rehearsed.get("rejected")) or params["max_rejected"],
        trust_damaged_files=params["trust_damaged_files"],
    )


@dag(
    dag_id="window_backfill",
    schedule=None,
    start_date=datetime(2016, 9, 4, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=2,
    dagrun_timeout=timedelta(days=2),
    default_args=forms.DEFAULTS,
    params={
        "start_date": forms.needed_date("Start", "First event date of the window."),
        "end_date": forms.needed_date("End", "First event date behind the window."),
        "dataset": forms.dataset(),
        "rules": forms.rules(),
        "emit": Param(
            "all",
            type="string",
            enum=["all", "changed"],
            title="Emit",
            description="Of an order that only gains or changes facts: all its facts, or the changed ones.",
        ),
        "as_of": forms.as_of(),
        "approval": Param(
            "guard",
            type="string",
            enum=["guard", "always", "never"],
            title="Approval",
            description="When a person is asked: only where a guard would stop the run, always, or never.",
        ),
        "max_rejected": forms.max_rejected(),
        "max_lost_regions": forms.max_lost_regions(),
        "trust_damaged_files": forms.trust_damaged_files(),
        "mix": forms.mix(),
        "reason": forms.reason(),
    },
    tags=["eip", "correction"],
    doc_md=__doc__,
)
def window_backfill() -> None:
    """Check, rehearsal, decision, correction, wait, proof."""

    @task.branch(doc_md="To a person, or on.")
    def decide() -> str:
        context = get_current_context()
        wish, rehearsed = context["params"]["approval"], context["ti"].xcom_pull(task_ids="rehearse")
        asks = wish == "always" or (wish == "guard" and rehearsed["would_stop"])
        return "approve" if asks and rehearsed["approvable"] else "correct"

    check = EipDataCheckOperator(
        task_id="check",
        request=check_of,
        if_stops="{{ 'fail' if params.approval == 'never' else 'warn' }}",
        pool=forms.POOL,
    )
    rehearse = EipRehearsalOperator(task_id="rehearse", request=rehearsal_of, pool=forms.POOL)
    approve = ApprovalOperator(
        task_id="approve",
        subject="Correct {{ params.start_date }} to {{ params.end_date }} under rules {{ params.rules }}?",
        body=NOTE,
        fail_on_reject=True,
        response_timeout=timedelta(days=1),
        execution_timeout=None,
    )
    correct = EipRunOperator(
        task_id="correct",
        request=correction_of,
        note=NOTE,
        pool=forms.POOL,
        trigger_rule="none_failed_min_one_success",
        outlets=[forms.EVENTS],
    )
    visible = EipVisibleOperator(task_id="visible", run_id="{{ ti.xcom_pull(task_ids='correct')['run'] }}")
    verify = EipVerifyOperator(task_id="verify", start="{{ params.start_date }}", end="{{ params.end_date }}")

    branch = decide()
    check >> rehearse >> branch >> [approve, correct]
    approve >> correct >> visible >> verify


window_backfill()
