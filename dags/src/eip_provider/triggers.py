"""What waits in the triggerer while a worker is free: for a run's end, and for the views to hold what was written.

Triggers only look. They start nothing, so a triggerer that stops, or starts them again elsewhere, changes nothing
about the events. Progress goes to the task's log. A run whose task a person fails or clears is cancelled from here
(`on_kill`, which Airflow calls for that alone) where the task wants it.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import httpx
from airflow.sdk import BaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent

from eip_provider.errors import ServiceUnavailable
from eip_provider.hook import run_path
from eip_provider.http import UNWELL, client_options, growing, json_of
from eip_provider.runs import RunStatus, problem_text
from eip_provider.views import READY, missing, offsets_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SETTLING = 3.0
"""Seconds before the first look. A task that comes back in the very round of the scheduler in which it hears that the
worker is done with it is taken for one that died (3.3.2), and loses a try."""

FIRST_PAUSE = 0.2


class PollTrigger(BaseTrigger):
    """Asks one path again and again until a subclass is content, or nobody answers for longer than the patience.

    Args:
        conn_id: the connection.
        patience: seconds without an answer after which the event says `unavailable`.
        poll_interval: greatest seconds between two looks; the first ones are sooner.
        log_every: seconds between two lines of progress.
    """

    def __init__(
        self, conn_id: str, *, patience: float = 60.0, poll_interval: float = 3.0, log_every: float = 10.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's own
        self.conn_id = conn_id
        self.patience = patience
        self.poll_interval = poll_interval
        self.log_every = log_every

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What makes the same trigger again in another process."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "conn_id": self.conn_id,
            "patience": self.patience,
            "poll_interval": self.poll_interval,
            "log_every": self.log_every,
        } | self.own_arguments()

    @abstractmethod
    def own_arguments(self) -> dict[str, Any]:
        """The subclass's part of `serialize`."""

    @abstractmethod
    def asks(self) -> tuple[str, dict[str, str]]:
        """The path and the query."""

    @abstractmethod
    def read(self, answer: Any) -> tuple[str, dict[str, Any] | None]:  # noqa: ANN401 - whatever JSON was sent
        """A line for the log, and the event once there is nothing more to wait for.

        Raises:
            ValueError, ServiceUnavailable: the answer is not understood, or does not say.
        """

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fires once."""
        connection = await BaseHook.aget_connection(self.conn_id)
        await asyncio.sleep(SETTLING)
        async with httpx.AsyncClient(**client_options(connection)) as client:
            yield TriggerEvent(await self._poll(client))  # type: ignore[no-untyped-call] # Airflow's own

    async def _poll(self, client: httpx.AsyncClient) -> dict[str, Any]:
        path, query = self.asks()
        heard_at, logged_at, logged = time.monotonic(), float("-inf"), ""
        for pause in growing(first=FIRST_PAUSE, factor=1.5, greatest=self.poll_interval):
            try:
                answer = await client.get(path, params=query)
                words = problem_text(json_of(answer), answer.reason_phrase)
                if answer.status_code not in UNWELL:
                    if not answer.is_success:
                        return {"refused": f"{answer.status_code} to GET {path}: {words}"}
                    line, event = self.read(json_of(answer))
                    heard_at = time.monotonic()
                    if line.split(",")[0] != logged or event or heard_at - logged_at >= self.log_every:
                        self.log.info(line)
                        logged, logged_at = line.split(",")[0], heard_at
                    if event:
                        return event
                    words = ""
            except (httpx.TransportError, ValueError, ServiceUnavailable) as error:
                words = f"{type(error).__name__}: {error}"
            if words:
                if time.monotonic() - heard_at > self.patience:
                    return {"unavailable": f"no answer from {client.base_url} for {self.patience:g} s: {words}"}
                self.log.warning("%s: %s; asking again", client.base_url, words)
            await asyncio.sleep(pause)
        raise AssertionError("the pauses never end")


class EipRunTrigger(PollTrigger):
    """Waits for the end of a run; the event says `run`, `space` and `state`, or `refused`, or `unavailable`.

    Args:
        run_id: the run.
        space: its space, None is main.
        after_attempt: the number of an interrupted attempt that the POST found and asked Ingest to resume: until the
            next one shows, or the patience ends, the old one is no end.
        cancel_on_kill: whether a person who fails or clears the waiting task cancels the run.
    """

    def __init__(  # noqa: PLR0913 - Airflow makes a trigger from its keyword arguments
        self,
        conn_id: str,
        *,
        run_id: str,
        space: str | None = None,
        after_attempt: int = 0,
        cancel_on_kill: bool = True,
        patience: float = 60.0,
        poll_interval: float = 3.0,
        log_every: float = 10.0,
    ) -> None:
        super().__init__(conn_id, patience=patience, poll_interval=poll_interval, log_every=log_every)
        self.run_id = run_id
        self.space = space
        self.after_attempt = after_attempt
        self.cancel_on_kill = cancel_on_kill
        self._resumed_by = time.monotonic() + patience

    def own_arguments(self) -> dict[str, Any]:
        """See `PollTrigger.serialize`."""
        return {
            "run_id": self.run_id,
            "space": self.space,
            "after_attempt": self.after_attempt,
            "cancel_on_kill": self.cancel_on_kill,
        }

    def asks(self) -> tuple[str, dict[str, str]]:
        """The run."""
        return run_path(self.run_id), {"space": self.space} if self.space else {}

    def read(self, answer: Any) -> tuple[str, dict[str, Any] | None]:  # noqa: ANN401
        """The run's progress, and its end."""
        status = RunStatus.from_json(answer)
        resuming = status.interrupted and status.attempt <= self.after_attempt and time.monotonic() < self._resumed_by
        done = status.ended and not resuming
        event = {"run": status.run_id, "space": self.space, "state": status.state}
        return status.progress(), event if done else None

    async def on_kill(self) -> None:
        """A person failed or cleared the waiting task."""
        if not self.cancel_on_kill:
            return
        connection = await BaseHook.aget_connection(self.conn_id)
        async with httpx.AsyncClient(**client_options(connection)) as client:
            path, query = self.asks()
            answer = await client.delete(path, params=query)
            self.log.info("run %s: asked to cancel, ingest answered %s", self.run_id, answer.status_code)


class EipViewsTrigger(PollTrigger):
    """Waits until the views hold the log up to these offsets; the event says `visible`, or as above.

    Args:
        offsets: by partition, the offset behind the last record that must show.
    """

    def __init__(
        self,
        conn_id: str,
        *,
        offsets: Sequence[int],
        patience: float = 60.0,
        poll_interval: float = 3.0,
        log_every: float = 10.0,
    ) -> None:
        super().__init__(conn_id, patience=patience, poll_interval=poll_interval, log_every=log_every)
        self.offsets = tuple(offsets)

    def own_arguments(self) -> dict[str, Any]:
        """See `PollTrigger.serialize`."""
        return {"offsets": list(self.offsets)}

    def asks(self) -> tuple[str, dict[str, str]]:
        """How far the views are."""
        return READY.path, {}

    def read(self, answer: Any) -> tuple[str, dict[str, Any] | None]:  # noqa: ANN401
        """How much they miss."""
        written = offsets_in(answer)
        behind = missing(self.offsets, written)
        return f"views: {behind:,} offsets behind", None if behind else {"visible": list(written)}
