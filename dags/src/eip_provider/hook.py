"""The HTTP side: start a run, look at it, follow it to its end.

The base URL comes from an Airflow connection alone; parameters of a DAG run travel in the JSON body alone. Every
request may be sent again without harm (the POST carries an Idempotency-Key), so short outages are waited out here and
longer ones are left to Airflow's own retries.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
from airflow.sdk import BaseHook

from eip_provider.errors import IngestRefused, IngestUnavailable, RunEnded, RunInterrupted
from eip_provider.runs import INTERRUPTED, REFUSED, RUN_ID, RunStatus, asked_by, problem_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eip_provider.runs import FastRun

UNWELL = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say "not now" rather than "no"."""


class EipIngestHook(BaseHook):
    """Talks to one Ingest, found by an Airflow connection (`http://host:port` or `https://host:port`).

    Args:
        eip_conn_id: the connection's id.
        patience: seconds for which an unreachable or unwell Ingest is asked again before IngestUnavailable.
        log_every: seconds between two progress lines of a run that is under way.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    conn_name_attr = "eip_conn_id"
    default_conn_name = "eip_ingest"
    hook_name = "EIP Ingest"

    def __init__(
        self,
        eip_conn_id: str = default_conn_name,
        *,
        patience: float = 60.0,
        log_every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self.eip_conn_id = eip_conn_id
        self.patience = patience
        self.log_every = log_every
        self._clock = clock
        self._sleep = sleep

    def get_conn(self) -> httpx.Client:
        """A client with the connection's base URL and nothing from the environment; the caller closes it."""
        connection = self.get_connection(self.eip_conn_id)
        if not connection.host:
            raise IngestRefused(f"connection {self.eip_conn_id!r} has no host: make it http://host:port")
        scheme = "https" if "https" in (connection.conn_type, connection.schema) else "http"
        return httpx.Client(
            base_url=httpx.URL(scheme=scheme, host=connection.host, port=connection.port),
            timeout=httpx.Timeout(30.0, connect=5.0),
            follow_redirects=False,
            trust_env=False,
        )

    def run_to_end(self, request: FastRun, idempotency_key: str, requester: str | None = None) -> RunStatus:
        """Starts the run, or finds the one that the key started before, and follows it until it is committed.

        Args:
            request: what is asked for.
            idempotency_key: names the run; see `runs.idempotency_key`.
            requester: who triggered it, for Ingest's ledger; None is Airflow itself.

        Raises:
            IngestUnavailable, RunInterrupted: try again with the same key.
            IngestRefused, RunEnded: trying again gives the same.
        """
        with self.get_conn() as client:
            headers = {"Idempotency-Key": idempotency_key} | asked_by(requester, idempotency_key)
            status = self._ask(client, httpx.Request("POST", "/v1/runs", json=request.body(), headers=headers))
            self.log.info(status.progress())
            status = self._follow(client, status)
        if status.state in REFUSED:
            raise RunEnded(f"run {status.run_id} {status.state}: {status.error or 'Ingest gave no reason'}")
        if status.state in INTERRUPTED:
            raise RunInterrupted(
                f"run {status.run_id} was interrupted after {status.emitted:,} events; retry resumes it"
            )
        return status

    def get_run(self, run_id: str) -> RunStatus:
        """The run as it is now."""
        with self.get_conn() as client:
            return self._look(client, run_id)

    def _look(self, client: httpx.Client, run_id: str) -> RunStatus:
        if not RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} is no run id")
        return self._ask(client, httpx.Request("GET", f"/v1/runs/{run_id}"))

    def _follow(self, client: httpx.Client, posted: RunStatus) -> RunStatus:
        """Polls, soon at first and then every few seconds; logs each change of state, and progress in between.

        A POST that finds an interrupted run makes Ingest resume it: until the new attempt shows, or the patience ends,
        the old one is no end.
        """
        status = posted
        resumed_by = self._clock() + self.patience
        logged_state, logged_at = status.state, self._clock()
        for pause in _growing(first=0.1, factor=1.5, greatest=5.0):
            if status.ended and not (status.waits_to_resume(posted) and self._clock() < resumed_by):
                return status
            self._sleep(pause)
            status = self._look(client, status.run_id)
            if status.state != logged_state or self._clock() - logged_at >= self.log_every:
                self.log.info(status.progress())
                logged_state, logged_at = status.state, self._clock()
        raise AssertionError("the pauses never end")

    def _ask(self, client: httpx.Client, request: httpx.Request) -> RunStatus:
        """Sends until there is an answer that is not "not now", and reads it as a run."""
        answer = self._send(client, request)
        if not answer.is_success:
            words = problem_text(_json(answer), answer.reason_phrase)
            raise IngestRefused(f"ingest answered {answer.status_code} to {request.method} {request.url.path}: {words}")
        try:
            return RunStatus.from_json(_json(answer))
        except ValueError as error:
            raise IngestRefused(
                f"ingest's answer to {request.method} {request.url.path} is not understood: {error}"
            ) from error

    def _send(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        give_up_at = self._clock() + self.patience
        for pause in _growing(first=0.2, factor=2.0, greatest=10.0):
            cause: httpx.TransportError | None = None
            try:
                answer = client.request(request.method, request.url, content=request.content, headers=request.headers)
            except httpx.TransportError as error:
                cause, words = error, f"{type(error).__name__}: {error}"
            else:
                if answer.status_code not in UNWELL:
                    return answer
                words = f"{answer.status_code} {problem_text(_json(answer), answer.reason_phrase)}"
                pause = max(pause, _retry_after(answer))  # noqa: PLW2901 - its own wish counts where it is longer
            if self._clock() + pause > give_up_at:
                raise IngestUnavailable(
                    f"ingest at {client.base_url} gave no run within {self.patience:g} s: {words}"
                ) from cause
            self.log.warning("ingest at %s: %s; asking again in %.1f s", client.base_url, words, pause)
            self._sleep(pause)
        raise AssertionError("the pauses never end")


def _growing(*, first: float, factor: float, greatest: float) -> Iterator[float]:
    pause = first
    while True:
        yield pause
        pause = min(pause * factor, greatest)


def _json(answer: httpx.Response) -> Any:  # noqa: ANN401
    """The body as JSON, or None when it is none."""
    try:
        return answer.json()
    except ValueError:
        return None


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
