"""Waits until the stored views hold what runs have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import TaskDeferred

from eip_provider.hook import EipIngestHook
from eip_provider.http import looks
from eip_provider.operators.run import STAY, check_event
from eip_provider.views import EipApiHook, ends_of, missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class EipVisibleOperator(BaseOperator):
    """Asks Ingest where a run ended in the log, then waits until the API's views are behind that; deferred if it takes.

    Args:
        run_id: the run; empty: every run that has ended so far. Templated.
        eip_conn_id: the connection to Ingest.
        eip_api_conn_id: the connection to the API; it serves one space, whose runs these must be.
        stay: seconds for which the worker waits itself.
        patience: seconds for which a service that does not answer is waited for before the task is retried.
        poll_interval: greatest seconds between two looks.
    """

    template_fields: Sequence[str] = ("run_id",)
    ui_color = "#e3f4e0"

    def __init__(  # noqa: PLR0913 - keyword arguments with a default
        self,
        *,
        run_id: str = "",
        eip_conn_id: str = EipIngestHook.default_conn_name,
        eip_api_conn_id: str = EipApiHook.default_conn_name,
        stay: float = STAY,
        patience: float = 120.0,
        poll_interval: float = 3.0,
        **kwargs: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.eip_conn_id = eip_conn_id
        self.eip_api_conn_id = eip_api_conn_id
        self.stay = stay
        self.patience = patience
        self.poll_interval = poll_interval

    def execute(self, context: Context) -> list[int]:  # noqa: ARG002 - Airflow's signature
        """Looks for a while, then leaves the waiting to the triggerer."""
        ingest = EipIngestHook(self.eip_conn_id, patience=self.patience)
        runs = [ingest.get_run(self.run_id)] if self.run_id else ingest.runs()
        ends = ends_of(runs)
        api = EipApiHook(self.eip_api_conn_id, patience=self.patience)
        for _ in looks(self.stay):
            written = api.offsets()
            behind = missing(ends, written)
            if not behind:
                return list(written)
        self.log.info("views: %s offsets behind", f"{behind:,}")
        from eip_provider.triggers import EipViewsTrigger

        trigger = EipViewsTrigger(
            self.eip_api_conn_id, offsets=ends, patience=self.patience, poll_interval=self.poll_interval
        )
        raise TaskDeferred(trigger=trigger, method_name="execute_complete")

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> list[int]:  # noqa: ARG002
        """The views are there."""
        check_event(event)
        written: list[int] = event["visible"]
        return written
