"""How far the views are, from the API's `/readyz`, and whether that is far enough.

The API serves one space; the offsets are those up to which the stored views hold the log, so a run shows in them once
they have passed the run's own end in every partition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eip_provider.errors import ServiceUnavailable
from eip_provider.http import Ask, EipHttpHook, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eip_provider.runs import RunStatus

READY = Ask("GET", "/readyz")


class EipApiHook(EipHttpHook):
    """Talks to one API (`eip api`)."""

    default_conn_name = "eip_api"
    hook_name = "EIP API"
    service = "the API"

    def __init__(self, eip_api_conn_id: str = default_conn_name, **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(eip_api_conn_id, **options)

    def offsets(self) -> tuple[int, ...]:
        """By partition, up to where the views hold the log."""
        answer = self.send(READY)
        if not answer.is_success:
            raise self.refusal(READY, answer)
        return offsets_in(json_of(answer))


def offsets_in(answer: Any) -> tuple[int, ...]:  # noqa: ANN401 - whatever JSON the other side sent
    """Reads an answer of `/readyz`.

    Raises:
        ServiceUnavailable: it does not say.
    """
    progress = answer.get("progress") if isinstance(answer, dict) else None
    offsets = progress.get("offsets") if isinstance(progress, dict) else None
    if not isinstance(offsets, list) or not all(isinstance(offset, int) for offset in offsets):
        raise ServiceUnavailable("the API does not say how far the views are")
    return tuple(offsets)


def ends_of(runs: Iterable[RunStatus]) -> tuple[int, ...]:
    """The furthest end of all these runs, by partition."""
    furthest: list[int] = []
    for run in runs:
        furthest.extend([0] * (len(run.end_offsets) - len(furthest)))
        for partition, end in enumerate(run.end_offsets):
            furthest[partition] = max(furthest[partition], end)
    return tuple(furthest)


def missing(wanted: Sequence[int], written: Sequence[int]) -> int:
    """How many offsets the views do not hold yet."""
    held = [*written, *[0] * (len(wanted) - len(written))]
    return sum(max(0, want - have) for want, have in zip(wanted, held, strict=False))
