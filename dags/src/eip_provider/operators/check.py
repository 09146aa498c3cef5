"""Has Ingest read a dataset without emitting anything, and fails where no run should be started with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from eip_provider.errors import DataUnusable
from eip_provider.hook import EipIngestHook
from eip_provider.requests import DataCheckRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

CheckOf = Callable[[Context], DataCheckRequest | None]


class EipDataCheckOperator(BaseOperator):
    """One check of a dataset that Ingest has. Nothing is written, so that every try is as good as the first.

    The whole report goes to the log. A file that cannot be read to its end fails the task at once, with the reason in
    one line. So does what would stop every run: too many rejected rows, no order at all, an asOf that cannot be meant.
    An Ingest that is away, or busy with another check, is waited for, then retried. One that is too old to check is no
    obstacle: its runs have their own guards.

    Args:
        request: makes the request from the task's context; None where there is nothing that Ingest could check.
        if_stops: `fail`, or `warn`: what would stop a run is left to a person who is asked later. Templated.
        eip_conn_id: the connection to Ingest.
        patience: seconds for which an unreachable, unwell or busy Ingest is asked again before the task is retried.
        timeout: seconds that one check may take.
    """

    template_fields: Sequence[str] = ("if_stops",)
    ui_color = "#fff3d0"

    def __init__(
        self,
        *,
        request: CheckOf,
        if_stops: str = "fail",
        eip_conn_id: str = EipIngestHook.default_conn_name,
        patience: float = 60.0,
        timeout: float = 900.0,
        **kwargs: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.if_stops = if_stops
        self.eip_conn_id = eip_conn_id
        self.patience = patience
        self.timeout = timeout

    def execute(self, context: Context) -> dict[str, Any] | None:
        """Asks, shows, decides; the summary is what the task hands on, None where nothing was checked."""
        request = self.request(context)
        if request is None:
            self.log.info("Airflow pushes the rows itself: what Ingest answers to them is checked in its place")
            return None
        check = EipIngestHook(self.eip_conn_id, patience=self.patience).check_dataset(request, self.timeout)
        if check is None:
            self.log.warning("this Ingest cannot check datasets; its runs stop by themselves where they have to")
            return None
        self.log.info("%s", check.text)
        if check.dataset_toml:
            self.log.info("a dataset.toml for it:\n%s", check.dataset_toml)
        reason = check.reason()
        if reason and (check.error or self.if_stops == "fail"):
            raise DataUnusable(reason)
        if reason:
            self.log.warning("a run would stop, unless a person lets it through: %s", reason)
        return check.summary()
