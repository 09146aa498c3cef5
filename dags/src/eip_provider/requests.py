"""What may be asked of Ingest, as plain values that turn into the JSON body of `POST /v1/runs`.

Field names are Ingest's; what is None, false or empty is left out, because Ingest refuses a field that a mode has no
use for. Only `space` (an encoded query value) and the name of a dataset to check are ever part of a URL, so they are
checked here; everything else is checked by the DAGs' Params and by Ingest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar

SPACE_PATTERN = "^[a-z0-9-]{1,30}$"
"""Names of spaces, as a JSON Schema pattern."""

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"
"""Names of datasets and rules, as a JSON Schema pattern. A name is never a path."""

DATE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""A day, `YYYY-MM-DD`."""

TIME_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
"""An instant, `YYYY-MM-DDTHH:MM:SSZ`."""

RUN_ID_PATTERN = "^[0-9a-f]{16}$"
"""A run's id, as a JSON Schema pattern for forms."""

LONGEST_REASON = 500
"""Characters of a run's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Any run. `space` None is `main`; `reason` is one line for the ledger and the receipt."""

    mode: ClassVar[str]
    resumes: ClassVar[bool]
    """An interrupted run of this mode goes on from the last acknowledged event; the others begin anew."""

    space: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:  # noqa: D105 - says what it checks
        check(self.space, SPACE_PATTERN, "space")

    def body(self) -> dict[str, Any]:
        """The JSON body of `POST /v1/runs`."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"mode": self.mode} | {name: value for name, value in given.items() if value not in (None, False, "")}


@dataclass(frozen=True, slots=True, kw_only=True)
class FastRun(RunRequest):
    """A fast backfill of [start, end): half-open dates in event time, None for an open end."""

    mode = "fast"
    resumes = True

    dataset: str
    rules: str = "default"
    start: str | None = None
    end: str | None = None
    as_of: str | None = None
    max_rejected: int | str | None = None
    mix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledRun(RunRequest):
    """A replay of [start, end) at its own pace, `scale_factor` times as fast, or so fast that it lasts `duration` s."""

    mode = "scaled"
    resumes = True

    dataset: str
    rules: str = "default"
    start: str | None = None
    end: str | None = None
    as_of: str | None = None
    scale_factor: float | None = None
    duration: float | None = None
    max_gap: float | None = None
    max_events_per_second: int | None = None
    amplify: int | None = None
    seed: int | None = None
    max_rejected: int | str | None = None
    mix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRun(RunRequest):
    """A correction of every order with a fact in [start, end). `plan` binds it to what a rehearsal announced."""

    mode = "window"
    resumes = False

    dataset: str
    rules: str = "default"
    start: str | None = None
    end: str | None = None
    as_of: str | None = None
    emit: str | None = None
    mix: bool = False
    dry_run: bool = False
    plan: str | None = None
    max_vanishing: int | str | None = None
    max_retracted: int | str | None = None
    max_lost_regions: int | str | None = None
    max_rejected: int | str | None = None
    trust_damaged_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertRun(RunRequest):
    """The undoing of a run that ended."""

    mode = "revert"
    resumes = False

    run: str
    force: bool = False
    dry_run: bool = False
    plan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsRequest:
    """How pushed rows are converted. asOf and rules have no default: each request says its own."""

    rules: str
    as_of: str
    start: str | None = None
    end: str | None = None
    space: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:  # noqa: D105 - says what it checks
        check(self.space, SPACE_PATTERN, "space")
        check(self.rules, NAME_PATTERN, "rules")
        check(self.as_of, TIME_PATTERN, "as_of")
        check(self.start, DATE_PATTERN, "start")
        check(self.end, DATE_PATTERN, "end")

    def query(self) -> dict[str, str]:
        """The query of `POST /v1/rows`."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheckRequest:
    """The reading of a dataset without a run. Its name is part of the path."""

    dataset: str
    rules: str | None = None
    as_of: str | None = None
    max_rejected: str | None = None

    def __post_init__(self) -> None:  # noqa: D105 - says what it checks
        check(self.dataset, NAME_PATTERN, "dataset")

    def path(self) -> str:
        """The path of `POST /v1/datasets/{name}/check`."""
        return f"/v1/datasets/{self.dataset}/check"

    def body(self) -> dict[str, str]:
        """Its JSON body."""
        given = {"rules": self.rules, "as_of": self.as_of, "max_rejected": self.max_rejected}
        return {name: value for name, value in given.items() if value}


def check(value: str | None, pattern: str, name: str) -> None:
    """Lets through None and what fits; what becomes part of a URL or of a command's arguments passes here.

    Raises:
        ValueError: the value does not fit.
    """
    if value is not None and not re.fullmatch(pattern, value):
        raise ValueError(f"{name}: {value!r} does not match {pattern}")
