"""Reads a partition of a dataset's CSV files and pushes its raw rows to Ingest, so many orders a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from eip_provider.data import DATA_CONN, needed_folder
from eip_provider.hook import EipIngestHook
from eip_provider.olist import batches
from eip_provider.operators.run import task_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eip_provider.requests import RowsRequest

Part = Mapping[str, Any]


class EipRowsOperator(BaseOperator):
    """Pushes one partition. Returns once the log has acknowledged all events that Ingest made of it.

    Each request is a run of its own with a key of its own: a retry sends the same bytes under the same keys and
    changes nothing, a Clear pushes anew. A rejected row is named in the log, counted, and keeps nothing back.

    Args:
        request: makes rules, asOf and range from the task's context (its checked `params`) and from `part`.
        part: the partition, one of `olist.partitions`; templated.
        orders_a_request: most orders in one request.
        eip_conn_id: the connection to Ingest.
        data_conn_id: the connection that maps datasets to folders.
        patience: seconds for which an unreachable or unwell Ingest is waited for before the task is retried.
    """

    template_fields: Sequence[str] = ("part",)
    template_fields_renderers = {"part": "json"}  # noqa: RUF012 - as Airflow declares it
    ui_color = "#d7ecff"

    def __init__(  # noqa: PLR0913 - keyword arguments, most with a default
        self,
        *,
        request: Callable[[Context, Part], RowsRequest],
        part: Part,
        orders_a_request: int = 1_000,
        eip_conn_id: str = EipIngestHook.default_conn_name,
        data_conn_id: str = DATA_CONN,
        patience: float = 60.0,
        **kwargs: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.part = part
        self.orders_a_request = orders_a_request
        self.eip_conn_id = eip_conn_id
        self.data_conn_id = data_conn_id
        self.patience = patience

    def execute(self, context: Context) -> dict[str, Any]:
        """Pushes batch after batch; the summary is what the task hands on."""
        request = self.request(context, self.part)
        folder = needed_folder(context["params"]["dataset"], self.data_conn_id)
        prefix, series, _ = task_series(context["ti"], self)
        hook = EipIngestHook(self.eip_conn_id, patience=self.patience)
        requester = context["dag_run"].triggering_user_name
        runs, events, rejects = [], 0, 0
        for number, lines in enumerate(batches(folder, dict(self.part), self.orders_a_request, self._tell_ragged)):
            answer = hook.push_rows(request, lines, f"{prefix}/{series}.{number}", requester)
            runs.append(answer.run_id)
            events += answer.events
            rejects += answer.rejected
            self.log.info(
                "%s, run %s: %d rows accepted, %d rejected, %d events",
                self.part.get("label"), answer.run_id, answer.accepted, answer.rejected, answer.events,
            )  # fmt: skip
            for reject in answer.first_rejects:
                self.log.warning("rejected: %s", reject)
        return {"label": self.part.get("label"), "runs": runs, "events": events, "rejects": rejects}

    def _tell_ragged(self, file: str, count: int) -> None:
        self.log.warning("%s: %d rows have too few or too many columns and were not pushed", file, count)
