"""What every request to a service of ours has in common: where it goes, what it carries, how long it is asked again.

The base URL comes from an Airflow connection alone (`http://host:port` or `https://host:port`; a password is sent as
bearer token; the extra `public_url` is where a person's browser finds the same service). Every request may be sent
again without harm, so short outages are waited out here and longer ones are left to Airflow's own retries.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from airflow.sdk import BaseHook

from eip_provider.errors import RequestRefused, ServiceUnavailable
from eip_provider.runs import problem_text

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from airflow.sdk import Connection

UNWELL = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say "not now" rather than "no"."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. The path is fixed or made by a function that checks what it puts in; `query` is encoded."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    timeout: float | None = None
    """Seconds that the answer may take, where that is more than usual."""


class EipHttpHook(BaseHook):
    """Talks to one service, found by an Airflow connection.

    Args:
        conn_id: the connection's id.
        patience: seconds for which an unreachable or unwell service is asked again before ServiceUnavailable.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    service = "the service"
    """Its name in errors."""

    def __init__(
        self,
        conn_id: str,
        *,
        patience: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.patience = patience
        self._clock = clock
        self._sleep = sleep

    def get_conn(self) -> httpx.Client:
        """A client with the connection's base URL and nothing from the environment; the caller closes it."""
        return httpx.Client(**client_options(self.get_connection(self.conn_id)))

    def send(self, ask: Ask) -> httpx.Response:
        """Sends a request until there is an answer that is not "not now".

        Raises:
            ServiceUnavailable: none within the patience.
        """
        give_up_at = self._clock() + self.patience
        with self.get_conn() as client:
            for pause in growing(first=0.2, factor=2.0, greatest=10.0):
                cause: httpx.TransportError | None = None
                try:
                    answer = client.request(
                        ask.method,
                        ask.path,
                        params=dict(ask.query),
                        headers=dict(ask.headers),
                        json=ask.json,
                        content=ask.content,
                        timeout=httpx.USE_CLIENT_DEFAULT if ask.timeout is None else waiting(ask.timeout),
                    )
                except httpx.TransportError as error:
                    cause, words = error, f"{type(error).__name__}: {error}"
                else:
                    if answer.status_code not in UNWELL:
                        return answer
                    words = f"{answer.status_code} {problem_text(json_of(answer), answer.reason_phrase)}"
                    pause = max(pause, _retry_after(answer))  # noqa: PLW2901 - its own wish counts where it is longer
                if self._clock() + pause > give_up_at:
                    raise ServiceUnavailable(
                        f"{self.service} at {client.base_url} gave no answer within {self.patience:g} s: {words}"
                    ) from cause
                self.log.warning("%s at %s: %s; asking again in %.1f s", self.service, client.base_url, words, pause)
                self._sleep(pause)
        raise AssertionError("the pauses never end")

    def refusal(self, ask: Ask, answer: httpx.Response) -> RequestRefused:
        """An answer that says no, in the service's words."""
        words = problem_text(json_of(answer), answer.reason_phrase)
        return RequestRefused(f"{self.service} answered {answer.status_code} to {ask.method} {ask.path}: {words}")

    def page(self, path: str) -> str:
        """Where a person's browser finds a path of this service."""
        connection = self.get_connection(self.conn_id)
        public = connection.extra_dejson.get("public_url")
        return f"{str(public or base_url(connection)).rstrip('/')}{path}"


def base_url(connection: Connection) -> httpx.URL:
    """Where a connection's service is.

    Raises:
        RequestRefused: the connection does not say.
    """
    if not connection.host:
        raise RequestRefused(f"connection {connection.conn_id!r} has no host: make it http://host:port")
    scheme = "https" if "https" in (connection.conn_type, connection.schema) else "http"
    return httpx.URL(scheme=scheme, host=connection.host, port=connection.port)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once in a process: that takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def client_options(connection: Connection) -> dict[str, Any]:
    """How a client of either kind, blocking or not, is made for a connection."""
    return {
        "base_url": base_url(connection),
        "headers": {"Authorization": f"Bearer {connection.password}"} if connection.password else {},
        "timeout": waiting(60.0),
        "follow_redirects": False,
        "verify": _certificates(),
        "trust_env": False,
    }


def waiting(seconds: float) -> httpx.Timeout:
    """How long an answer may take; a connection is there sooner or not at all."""
    return httpx.Timeout(seconds, connect=5.0)


def looks(seconds: float) -> Iterator[None]:
    """Comes round at once, and again after growing pauses for as long as these seconds last."""
    give_up_at = time.monotonic() + seconds
    for pause in growing(first=0.05, factor=1.5, greatest=1.0):
        yield
        if time.monotonic() + pause > give_up_at:
            return
        time.sleep(pause)


def growing(*, first: float, factor: float, greatest: float) -> Iterator[float]:
    """Pauses that become longer."""
    pause = first
    while True:
        yield pause
        pause = min(pause * factor, greatest)


def json_of(answer: httpx.Response) -> Any:  # noqa: ANN401
    """The body as JSON, or None when it is none."""
    try:
        return answer.json()
    except ValueError:
        return None


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
