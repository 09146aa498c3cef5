"""Runs as plain values: what Ingest answers, in figures and in words.

Nothing here does I/O or imports Airflow. The wire names are Ingest's (`GET /v1/runs/{id}`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
"""What a run's id may look like; it is checked before it becomes part of a URL."""

SUCCEEDED = frozenset({"committed", "rehearsed"})
REFUSED = frozenset({"failed", "cancelled"})
INTERRUPTED = frozenset({"interrupted"})
UNDER_WAY = frozenset({"requested", "planned", "running", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Where a scaled run is on its schedule. Lateness is the 99.9th percentile."""

    simulated_at: str
    scale_factor: float | None = None
    seconds_left: float | None = None
    lateness_us: int | None = None

    def words(self) -> str:
        """For the end of a line: `at 2018-03-02T10:00:00Z, x 1,000, 40 s left, 0.3 ms late at p99.9`."""
        words = [f"at {self.simulated_at}"]
        if self.scale_factor is not None:
            words.append(f"x {self.scale_factor:,g}")
        if self.seconds_left is not None:
            words.append(f"{self.seconds_left:,.0f} s left")
        if self.lateness_us is not None:
            words.append(f"{self.lateness_us / 1000:,.1f} ms late at p99.9")
        return ", ".join(words)


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
    origin: str | None = None
    plan: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    guard: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    """Explicit ones, by name, as they were given."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """What its input is like (`inputs`); empty where Ingest does not say."""
    end_offsets: tuple[int, ...] = ()
    """By partition the offset behind the run's last record; empty before that is known."""
    pace: Pace | None = None

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
            emitted=_first_count(progress.get("records"), _written(counts)) or 0,
            rejects=_first_count(progress.get("rejects"), counts.get("rows_rejected")) or 0,
            error=_text_or_none(answer.get("error")),
            origin=_text_or_none(answer.get("origin")),
            plan=_text_or_none(answer.get("plan")),
            counts=_counts(counts),
            guard=_counts(_object(answer, "guard")),
            limits={name: str(limit) for name, limit in _object(answer, "limits").items()},
            input=_object(answer, "input"),
            end_offsets=_offsets(answer.get("end_offsets")),
            pace=_pace(progress),
        )

    @property
    def ended(self) -> bool:
        """True when the run will not move again by itself."""
        return self.state not in UNDER_WAY

    @property
    def succeeded(self) -> bool:
        """True when all that was asked for is done."""
        return self.state in SUCCEEDED

    @property
    def interrupted(self) -> bool:
        """True when the same key makes Ingest go on with it."""
        return self.state in INTERRUPTED

    def progress(self) -> str:
        """One line for an operator: `run 3f…: running, 120,000 of 501,072 events (23 %), 0 rejects`."""
        events = f"{self.emitted:,}"
        if self.planned:
            events += f" of {self.planned:,} events ({100 * self.emitted // self.planned} %)"
        else:
            events += " events"
        line = f"run {self.run_id}: {self.state}, {events}, {self.rejects:,} rejects"
        return f"{line}, {self.pace.words()}" if self.pace else line

    def failure(self) -> str:
        """Why it ended without doing what was asked for: Ingest's words, then the figures that explain them."""
        words = f"run {self.run_id} {self.state}: {self.error or 'Ingest gave no reason'}"
        if self.rejects:
            words += f"; {self.rejects:,} rows rejected"
        if self.guard:
            words += "; guard " + ", ".join(f"{name} {count:,}" for name, count in sorted(self.guard.items()))
        return words

    def summary(self) -> dict[str, Any]:
        """What the task hands on: small, and the same for every retry."""
        return {"run": self.run_id, "state": self.state, "events": self.emitted, "rejects": self.rejects}


def problem_text(answer: Any, fallback: str) -> str:  # noqa: ANN401 - whatever JSON the other side sent
    """The words of an RFC 9457 problem (`title: detail`), or the fallback when it has none."""
    if isinstance(answer, dict):
        words = [text for field_ in ("title", "detail") if (text := _text_or_none(answer.get(field_)))]
        if words:
            return ": ".join(dict.fromkeys(words))
    return fallback


def _written(counts: Mapping[str, Any]) -> int:
    """Events of all attempts: the last one's, and those that it found there."""
    return sum(_first_count(counts.get(name)) or 0 for name in ("events", "events_before"))


def _pace(progress: Mapping[str, Any]) -> Pace | None:
    simulated_at = _text_or_none(progress.get("simulated_at"))
    if simulated_at is None:
        return None
    return Pace(
        simulated_at=simulated_at,
        scale_factor=_number_or_none(progress.get("scale_factor")),
        seconds_left=_number_or_none(progress.get("seconds_left")),
        lateness_us=_first_count(_object(progress, "lateness_us").get("p999")),
    )


def _object(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _counts(values: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in values.items() if isinstance(value, int)}


def _offsets(value: Any) -> tuple[int, ...]:  # noqa: ANN401
    return tuple(value) if isinstance(value, list) and all(isinstance(offset, int) for offset in value) else ()


def _first_count(*values: Any) -> int | None:  # noqa: ANN401
    """A run under way has live figures, one that has ended those of the ledger: the first that is there counts."""
    return next((value for value in values if isinstance(value, int)), None)


def _number_or_none(value: Any) -> float | None:  # noqa: ANN401
    return float(value) if isinstance(value, int | float) else None


def _text_or_none(value: Any) -> str | None:  # noqa: ANN401
    return value if isinstance(value, str) and value else None
