"""Buttons on a task's page: its run, and the run's receipt, where Ingest serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class EipRunLink(BaseOperatorLink):
    """The run as Ingest shows it; there as soon as the run was started."""

    name = "Run"
    page = ""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Airflow asks in the worker, once the task has ended; the address is kept as XCom."""
        run_page = getattr(operator, "run_page", None)
        return f"{run_page[0]}{self.page}{run_page[1]}" if run_page else ""


class EipReceiptLink(EipRunLink):
    """What was announced and what was done, on one page, for the incident's ticket."""

    name = "Receipt"
    page = "/receipt"
