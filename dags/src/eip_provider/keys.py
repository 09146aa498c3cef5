"""Which Idempotency-Key a task sends: one that finds the run it means, and starts a run only where that is wanted.

A key is `dag/run/task/map index/series.ended`. *Series* counts the tries before the present series of retries: a Clear
begins a new one (Airflow raises `max_tries` then), a retry does not. *Ended* counts the earlier runs of that prefix
that ended. So

- a retry finds the run that its earlier try started, alive, interrupted, or committed while nobody looked;
- a Clear of a finished task starts a run anew, and so does a retry after the run was cancelled;
- a Clear of a task whose run lives on finds that run instead of starting a second one beside it.

The series is in the key because the ledger alone cannot tell a retry that missed the end of its run from a Clear.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eip_provider.runs import RunStatus

LONGEST_PREFIX = 200
"""Longest prefix of a key made here: Ingest takes 255 characters in a header, and the origin quotes the key."""

ORIGIN = "airflow "
"""What the ledger's origin of our runs begins with; the key follows."""


def key_prefix(*parts: str | int) -> str:
    """Joins the parts with `/` into a header value: the same parts give the same prefix, other parts another.

    A run id of Airflow may hold anything and be long: what is no visible ASCII, or a `/`, is percent-encoded, and what
    would be longer than Ingest takes becomes its hash.
    """
    prefix = "/".join(quote(str(part), safe=":+@") for part in parts)
    return prefix if len(prefix) <= LONGEST_PREFIX else f"sha256/{sha256(prefix.encode()).hexdigest()}"


def key_for(prefix: str, series: int, runs: Iterable[RunStatus], *, retry: bool, resumes: bool) -> str:
    """The key that means this task's run, given all runs of the ledger.

    Args:
        prefix: of the task, see `key_prefix`.
        series: tries before this series of retries.
        runs: as the ledger has them, in the order in which they were first asked for.
        retry: whether this is a later try of the series.
        resumes: whether a run of this mode goes on where it was interrupted. One that begins anew is left to lie by a
            Clear, because what is asked for may have changed.
    """
    head = f"{ORIGIN}{prefix}/"
    mine = [(run.origin.removeprefix(ORIGIN), run) for run in runs if run.origin and run.origin.startswith(head)]
    for key, run in reversed(mine):
        if not run.ended or (run.interrupted and (resumes or retry)):
            return key
        if retry and run.succeeded and key.startswith(f"{prefix}/{series}."):
            return key
    return f"{prefix}/{series}.{len(mine)}"


def asked_by(requester: str | None, key: str) -> dict[str, str]:
    """Headers that tell Ingest's ledger who asked (a person's name, else Airflow itself) and from where."""
    return {"Eip-Requester": quote(requester or "airflow", safe=" @+:")[:200], "Eip-Origin": f"{ORIGIN}{key}"}
