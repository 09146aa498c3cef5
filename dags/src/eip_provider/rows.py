"""Pushed rows as plain values: Ingest's verdict on each, read from the NDJSON of `POST /v1/rows`."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eip_provider.limits import RowCounts

SHOWN = 5
"""How many rejected rows are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsAnswer:
    """What became of one request's rows."""

    run_id: str
    accepted: int
    rejected: int
    events: int
    tables: Mapping[str, RowCounts] = field(default_factory=dict)
    """Rows and rejected rows of each file; of lines that name none, under `rows`."""
    first_rejects: tuple[str, ...] = ()
    """The first rejected rows: line of the request, file, order, field, the value pushed, reason."""

    @classmethod
    def from_ndjson(cls, text: str, pushed: bytes) -> RowsAnswer:
        """Reads an answer.

        Args:
            text: the answer.
            pushed: the gzipped lines that it answers; an answer names lines and fields, these have the values.

        Raises:
            ValueError: it has no closing line that says `committed`: what it says before may be undone.
        """
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line]
        closing = lines[-1] if lines else {}
        if closing.get("state") != "committed":
            raise ValueError(f"the closing line is {json.dumps(closing)[:200]}")
        tables: dict[str, RowCounts] = {}
        rejects = []
        for line in lines[:-1]:
            is_rejected = line.get("status") == "rejected"
            table = line.get("file") or "rows"
            rows, rejected = tables.get(table, (0, 0))
            tables[table] = (rows + 1, rejected + is_rejected)
            if is_rejected:
                rejects.append(line)
        return cls(
            run_id=str(closing.get("run")),
            accepted=int(closing.get("accepted", 0)),
            rejected=int(closing.get("rejected", len(rejects))),
            events=int(closing.get("events", 0)),
            tables=tables,
            first_rejects=tuple(_words(rejects[:SHOWN], pushed)),
        )


def _words(rejects: list[dict[str, Any]], pushed: bytes) -> list[str]:
    """`line 3 (orders, order e481…), order_approved_at "10/2/2017": not a time`."""
    if not rejects:
        return []
    lines, words = gzip.decompress(pushed).splitlines(), []
    for reject in rejects:
        number = reject.get("line")
        row = json.loads(lines[number - 1])["row"] if isinstance(number, int) and 0 < number <= len(lines) else {}
        place = f"{reject.get('file')}{f', order {order}' if (order := reject.get('order_id')) else ''}"
        name = reject.get("field")
        value = f" {json.dumps(row[name], ensure_ascii=False)}" if name in row else ""
        words.append(f"line {number} ({place}), {name or 'row'}{value}: {str(reject.get('reason')).replace('_', ' ')}")
    return words
