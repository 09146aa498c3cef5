"""Reads a partition of a dataset's CSV files and pushes its raw rows to Ingest, so many orders a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from eip_provider.data import DATA_CONN, needed_folder
from eip_provider.errors import RowsRejected
from eip_provider.hook import EipIngestHook
from eip_provider.limits import summed, too_many_rejected
from eip_provider.olist import UNDATED, batches
from eip_provider.operators.run import task_series
from eip_provider.rows import SHOWN, RowsAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eip_provider.limits import RowCounts
    from eip_provider.requests import RowsRequest

Part = Mapping[str, Any]


class EipRowsOperator(BaseOperator):
    """Pushes one partition. Returns once the log has acknowledged all events that Ingest made of it.

    Each request is a run of its own with a key of its own: a retry sends the same bytes under the same keys and
    changes nothing, a Clear pushes anew. A rejected row is named in the log, counted, and keeps nothing back.

    Ingest never stops pushed rows, so the task judges its partition at the end: it fails where no order was accepted,
    or too many rows of a table were rejected. What was accepted is written then. Where too many rows of a file cannot
    be pushed at all (too few or too many columns), it fails before the first push. The orders without a date that one
    can read are a partition only for that reason: `refuse_rejected` judges them together with all others.

    Args:
        request: makes rules, asOf and range from the task's context (its checked `params`) and from `part`.
        part: the partition, one of `olist.partitions`; templated.
        orders_a_request: most orders in one request.
        eip_conn_id: the connection to Ingest.
        max_rejected: so many rows of a table, or such a share, may be rejected; empty: the default. Templated.
        data_conn_id: the connection that maps datasets to folders.
        patience: seconds for which an unreachable or unwell Ingest is waited for before the task is retried.
    """

    template_fields: Sequence[str] = ("part", "max_rejected")
    template_fields_renderers = {"part": "json"}  # noqa: RUF012 - as Airflow declares it
    ui_color = "#d7ecff"

    def __init__(  # noqa: PLR0913 - keyword arguments, most with a default
        self,
        *,
        request: Callable[[Context, Part], RowsRequest],
        part: Part,
        orders_a_request: int = 1_000,
        max_rejected: str = "",
        eip_conn_id: str = EipIngestHook.default_conn_name,
        data_conn_id: str = DATA_CONN,
        patience: float = 60.0,
        **kwargs: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.part = part
        self.orders_a_request = orders_a_request
        self.max_rejected = max_rejected
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
        answers: list[RowsAnswer] = []
        ragged: dict[str, RowCounts] = {}
        pushes = batches(folder, dict(self.part), self.orders_a_request, partial(self._tell_ragged, ragged))
        for number, lines in enumerate(pushes):
            self._refuse(ragged, "nothing was pushed")
            answer = hook.push_rows(request, lines, f"{prefix}/{series}.{number}", requester)
            answers.append(answer)
            self.log.info(
                "%s, run %s: %d rows accepted, %d rejected, %d events",
                self.part.get("label"), answer.run_id, answer.accepted, answer.rejected, answer.events,
            )  # fmt: skip
            for reject in answer.first_rejects:
                self.log.warning("rejected: %s", reject)
        self._refuse(ragged, "nothing was pushed")
        tables = summed([answer.tables for answer in answers])
        first_rejects = [reject for answer in answers for reject in answer.first_rejects][:SHOWN]
        if self.part.get("label") != UNDATED:
            self._refuse(tables, "the events of the accepted ones are in the log", first_rejects)
        return {
            "label": self.part.get("label"),
            "runs": [answer.run_id for answer in answers],
            "events": sum(answer.events for answer in answers),
            "rejects": sum(answer.rejected for answer in answers),
            "tables": tables,
            "first_rejects": first_rejects,
        }

    def _refuse(self, tables: Mapping[str, RowCounts], outcome: str, first: Sequence[str] = ()) -> None:
        if reason := too_many_rejected(tables, self.max_rejected):
            rejects = f": {'; '.join(first)}" if first else ""
            raise RowsRejected(f"{self.part.get('label')}: {reason}; {outcome}{rejects}")

    def _tell_ragged(self, ragged: dict[str, RowCounts], name: str, counts: RowCounts) -> None:
        ragged[name] = counts
        self.log.warning("%s: %d rows have too few or too many columns and were not pushed", name, counts[1])


def refuse_rejected(parts: Sequence[Mapping[str, Any]], max_rejected: str | None) -> None:
    """Judges all partitions together, from what their tasks handed on; those of another delivery say nothing.

    Raises:
        RowsRejected: no order was accepted, or too few rows of a table.
    """
    if reason := too_many_rejected(summed([part.get("tables", {}) for part in parts]), max_rejected):
        first = [reject for part in parts for reject in part.get("first_rejects", ())][:SHOWN]
        raise RowsRejected(f"all partitions: {reason}: {'; '.join(first)}")
