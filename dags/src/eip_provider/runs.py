"""Runs as plain values: what is asked for, what Ingest answers, and the key that makes asking twice harmless.

Nothing here does I/O or imports Airflow. The wire names are Ingest's (`POST /v1/runs`, `GET /v1/runs/{id}`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
"""What a run's id may look like; it is checked before it becomes part of a URL."""

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"
"""Names of datasets and rules, as a JSON Schema pattern. A name is never a path."""

LONGEST_KEY = 240
"""Longest Idempotency-Key made here: Ingest takes 255 characters in a header, and the origin quotes the key."""

SUCCEEDED = frozenset({"committed"})
REFUSED = frozenset({"failed", "cancelled"})
INTERRUPTED = frozenset({"interrupted"})
UNDER_WAY = frozenset({"requested", "planned", "rehearsed", "running", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FastRun:
    """A fast backfill of [start, end): half-open dates in event time, None for an open end."""

    dataset: str
    rules: str = "default"
    start: str | None = None
    end: str | None = None

    def body(self) -> dict[str, Any]:
        """The JSON body of `POST /v1/runs`."""
        return {
            "mode": "fast",
            "dataset": self.dataset,
            "rules": self.rules,
            "start": self.start,
            "end": self.end,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """A run as Ingest reports it. `planned` is None until Ingest knows how many events there will be."""

    run_id: str
    state: str
    attempt: int = 1
    planned: int | None = None
    emitted: int = 0
    rejects: int = 0
    error: str | None = None

    @classmethod
    def from_json(cls, answer: Any) -> RunStatus:  # noqa: ANN401 - whatever JSON the other side sent
        """Reads an answer; unknown fields are ignored, so that Ingest may grow.

        Raises:
            ValueError: the answer is no run.
        """
        if not isinstance(answer, dict):
            raise ValueError(f"expected a run as a JSON object, got {type(answer).__name__}")
        run_id, state = answer.get("run"), answer.get("state")
        if not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id):
            raise ValueError(f"the run's id {run_id!r} is not one")
        if state not in SUCCEEDED | REFUSED | INTERRUPTED | UNDER_WAY:
            raise ValueError(f"run {run_id} is in state {state!r}, which this version does not know")
        counts, progress = _object(answer, "counts"), _object(answer, "progress")
        return cls(
            run_id=run_id,
            state=state,
            attempt=_first_count(answer.get("attempt")) or 1,
            planned=_first_count(progress.get("total"), counts.get("events_planned")),
            emitted=_first_count(progress.get("records"), counts.get("events")) or 0,
            rejects=_first_count(progress.get("rejects"), counts.get("rows_rejected")) or 0,
            error=_text_or_none(answer.get("error")),
        )

    @property
    def ended(self) -> bool:
        """True when the run will not move again by itself."""
        return self.state not in UNDER_WAY

    def waits_to_resume(self, posted: RunStatus) -> bool:
        """True while this still shows the interrupted attempt that the POST found and asked Ingest to resume."""
        return self.state in INTERRUPTED and posted.state in INTERRUPTED and self.attempt == posted.attempt

    def progress(self) -> str:
        """One line for an operator: `run 3f…: running, 120,000 of 501,072 events (23 %), 0 rejects`."""
        events = f"{self.emitted:,}"
        if self.planned:
            events += f" of {self.planned:,} events ({100 * self.emitted // self.planned} %)"
        else:
            events += " events"
        return f"run {self.run_id}: {self.state}, {events}, {self.rejects:,} rejects"

    def summary(self) -> dict[str, Any]:
        """What the task hands on: small, and the same for every retry."""
        return {"run": self.run_id, "state": self.state, "events": self.emitted, "rejects": self.rejects}


def idempotency_key(*parts: str | int) -> str:
    """Joins the parts with `/` into a header value: the same parts give the same key, other parts another.

    A run id of Airflow may hold anything and be long: what is no visible ASCII, or a `/`, is percent-encoded, and what
    would be longer than Ingest takes becomes its hash.
    """
    key = "/".join(quote(str(part), safe=":+@") for part in parts)
    return key if len(key) <= LONGEST_KEY else f"sha256/{sha256(key.encode()).hexdigest()}"


def asked_by(requester: str | None, key: str) -> dict[str, str]:
    """Headers that tell Ingest's ledger who asked (a person's name, else Airflow itself) and from where."""
    return {"Eip-Requester": quote(requester or "airflow", safe=" @+:")[:200], "Eip-Origin": f"airflow {key}"}


def problem_text(answer: Any, fallback: str) -> str:  # noqa: ANN401 - whatever JSON the other side sent
    """The words of an RFC 9457 problem (`title: detail`), or the fallback when it has none."""
    if isinstance(answer, dict):
        words = [text for field in ("title", "detail") if (text := _text_or_none(answer.get(field)))]
        if words:
            return ": ".join(dict.fromkeys(words))
    return fallback


def _object(answer: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = answer.get(field)
    return value if isinstance(value, dict) else {}


def _first_count(*values: Any) -> int | None:  # noqa: ANN401
    """A run under way has live figures, one that has ended those of the ledger: the first that is there counts."""
    return next((value for value in values if isinstance(value, int)), None)


def _text_or_none(value: Any) -> str | None:  # noqa: ANN401
    return value if isinstance(value, str) and value else None
