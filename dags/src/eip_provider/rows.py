"""Pushed rows as plain values: Ingest's verdict on each, read from the NDJSON of `POST /v1/rows`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

SHOWN = 5
"""How many rejected rows are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsAnswer:
    """What became of one request's rows."""

    run_id: str
    accepted: int
    rejected: int
    events: int
    first_rejects: tuple[str, ...] = ()
    """The first rejected rows: line, file, field, reason."""

    @classmethod
    def from_ndjson(cls, text: str) -> RowsAnswer:
        """Reads an answer.

        Raises:
            ValueError: it has no closing line that says `committed`: what it says before may be undone.
        """
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line]
        closing = lines[-1] if lines else {}
        if closing.get("state") != "committed":
            raise ValueError(f"the closing line is {json.dumps(closing)[:200]}")
        rejects = [line for line in lines if line.get("status") == "rejected"]
        return cls(
            run_id=str(closing.get("run")),
            accepted=int(closing.get("accepted", 0)),
            rejected=int(closing.get("rejected", len(rejects))),
            events=int(closing.get("events", 0)),
            first_rejects=tuple(
                f"line {line.get('line')} ({line.get('file')}), {line.get('field')}: {line.get('reason')}"
                for line in rejects[:SHOWN]
            ),
        )
