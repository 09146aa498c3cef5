"""Laws of the hook, against a scripted Ingest: what is sent, what is waited out, what fails, and in whose words."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from eip_provider.errors import IngestRefused, IngestUnavailable, RunEnded, RunInterrupted
from eip_provider.hook import EipIngestHook
from eip_provider.runs import FastRun
from scripted_ingest import Answer, ScriptedIngest, accepted, ended, problem, running

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = FastRun(dataset="olist", start="2018-03-01", end="2018-04-01")
KEY = "fast_backfill/manual__1/backfill"


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        self.on_sleep()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def hook(time: Time) -> EipIngestHook:
    return EipIngestHook(patience=60, clock=time.clock, sleep=time.sleep)


def test_a_run_is_started_by_one_post_and_followed_to_its_end(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [
        accepted(),
        running(4, total=10),
        ended("committed", events=10, rows_rejected=1),
    ]
    status = hook.run_to_end(REQUEST, KEY, "maria")
    assert status.summary() == {"run": "0f3c9a5b7d1e2468", "state": "committed", "events": 10, "rejects": 1}
    assert [(asked.method, asked.path) for asked in ingest.asked] == [
        ("POST", "/v1/runs"),
        ("GET", "/v1/runs/0f3c9a5b7d1e2468"),
        ("GET", "/v1/runs/0f3c9a5b7d1e2468"),
    ]
    post = ingest.asked[0]
    assert post.headers["Idempotency-Key"] == KEY
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["Eip-Origin"] == f"airflow {KEY}"
    assert post.headers["Eip-Requester"] == "maria"
    assert post.body == {
        "mode": "fast",
        "dataset": "olist",
        "rules": "default",
        "start": "2018-03-01",
        "end": "2018-04-01",
    }


def test_a_run_that_the_key_finds_ended_is_not_polled(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [ended("committed", events=10)]
    assert hook.run_to_end(REQUEST, KEY).emitted == 10
    assert len(ingest.asked) == 1


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_run_that_failed_fails_in_ingests_own_words(hook: EipIngestHook, ingest: ScriptedIngest, state: str) -> None:
    words = "olist_orders_dataset.csv: unclosed quote, opened on line 17"
    ingest.answers = [accepted(), ended(state, error=words)]
    with pytest.raises(RunEnded, match=f"run 0f3c9a5b7d1e2468 {state}: {words}"):
        hook.run_to_end(REQUEST, KEY)


def test_an_interrupted_run_is_left_to_a_retry(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [accepted(), ended("interrupted", events=4)]
    with pytest.raises(RunInterrupted, match="retry resumes it"):
        hook.run_to_end(REQUEST, KEY)


def test_a_post_that_finds_an_interrupted_run_waits_for_its_next_attempt(
    hook: EipIngestHook, ingest: ScriptedIngest
) -> None:
    old = ended("interrupted", attempt=1, events=4)
    ingest.answers = [old, old, old, running(6), ended("committed", attempt=2, events=10)]
    assert hook.run_to_end(REQUEST, KEY).emitted == 10
    assert [asked.method for asked in ingest.asked] == ["POST", "GET", "GET", "GET", "GET"]


def test_an_attempt_that_is_interrupted_after_it_was_resumed_is_left_to_a_retry(
    hook: EipIngestHook, ingest: ScriptedIngest
) -> None:
    ingest.answers = [ended("interrupted", attempt=1), ended("interrupted", attempt=2, events=6)]
    with pytest.raises(RunInterrupted, match="retry resumes it"):
        hook.run_to_end(REQUEST, KEY)


def test_a_run_that_is_not_resumed_is_given_up_within_the_patience(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time
) -> None:
    ingest.answers = [ended("interrupted")]
    with pytest.raises(RunInterrupted):
        hook.run_to_end(REQUEST, KEY)
    assert 55 < time.now < 70


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_refusal_carries_title_and_detail(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time, status: int
) -> None:
    ingest.answers = [problem(status, "unknown dataset", "no dataset 'olist'; there are: spring")]
    with pytest.raises(IngestRefused, match=rf"{status} to POST /v1/runs: unknown dataset: no dataset 'olist'"):
        hook.run_to_end(REQUEST, KEY)
    assert time.pauses == []


def test_an_answer_that_is_no_run_is_a_refusal(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [Answer(200, raw=b"<html>welcome</html>")]
    with pytest.raises(IngestRefused, match="not understood"):
        hook.run_to_end(REQUEST, KEY)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_not_now_is_asked_again_with_the_same_key(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time, status: int
) -> None:
    ingest.answers = [problem(status, "not now", "busy"), accepted(), ended("committed")]
    assert hook.run_to_end(REQUEST, KEY).state == "committed"
    assert [asked.headers.get("Idempotency-Key") for asked in ingest.asked] == [KEY, KEY, None]
    assert time.pauses[0] == 0.2


def test_a_poll_that_meets_not_now_is_asked_again(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [accepted(), problem(503, "not now", "restarting"), ended("committed")]
    assert hook.run_to_end(REQUEST, KEY).state == "committed"
    assert [asked.method for asked in ingest.asked] == ["POST", "GET", "GET"]


def test_retry_after_is_kept(hook: EipIngestHook, ingest: ScriptedIngest, time: Time) -> None:
    ingest.answers = [Answer(429, {}, {"Retry-After": "7"}), ended("committed")]
    hook.run_to_end(REQUEST, KEY)
    assert time.pauses == [7.0]


def test_an_ingest_that_stays_unwell_is_given_up_within_the_patience(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time
) -> None:
    ingest.answers = [problem(503, "not ready", "the log is locked by another writer")]
    with pytest.raises(IngestUnavailable, match="503 not ready: the log is locked by another writer"):
        hook.run_to_end(REQUEST, KEY)
    assert 40 < time.now <= 60


def test_an_ingest_that_comes_up_late_is_waited_for(
    hook: EipIngestHook, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port answers "connection refused" until the second pause, then Ingest listens on it."""
    late = ScriptedIngest(serve_at_once=False)
    late.answers = [ended("committed")]
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", late.url)
    time.on_sleep = lambda: late.serve() if len(time.pauses) == 2 else None
    with late:
        assert hook.run_to_end(REQUEST, KEY).state == "committed"
    assert time.pauses == [0.2, 0.4]


def test_an_ingest_that_never_comes_is_named(hook: EipIngestHook, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        port = bound_but_not_listening.getsockname()[1]
        monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", f"http://127.0.0.1:{port}")
        with pytest.raises(IngestUnavailable, match=rf"127.0.0.1:{port} .*ConnectError"):
            hook.run_to_end(REQUEST, KEY)
    assert time.now <= 60


def test_polling_starts_soon_and_slows_down(hook: EipIngestHook, ingest: ScriptedIngest, time: Time) -> None:
    ingest.answers = [accepted(), *[running(4)] * 20, ended("committed")]
    hook.run_to_end(REQUEST, KEY)
    assert time.pauses[0] == pytest.approx(0.1)
    assert time.pauses == sorted(time.pauses)
    assert time.pauses[-1] == 5.0


def test_progress_is_logged_at_each_state_and_every_ten_seconds(
    hook: EipIngestHook, ingest: ScriptedIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Mock()
    monkeypatch.setattr(EipIngestHook, "log", log)
    ingest.answers = [
        accepted(),
        *[running(n, total=100) for n in range(20)],
        ended("committed", events_planned=100, events=100),
    ]
    hook.run_to_end(REQUEST, KEY)
    lines = [call.args[0] for call in log.info.call_args_list]
    assert lines[0] == "run 0f3c9a5b7d1e2468: requested, 0 events, 0 rejects"
    assert lines[1] == "run 0f3c9a5b7d1e2468: running, 0 of 100 events (0 %), 0 rejects"
    assert lines[-1] == "run 0f3c9a5b7d1e2468: committed, 100 of 100 events (100 %), 0 rejects"
    assert 4 <= len(lines) <= 12


@pytest.mark.parametrize("run_id", ["../admin", "a/b", "a?b=1", "", "ü"])
def test_only_a_run_id_becomes_part_of_a_url(hook: EipIngestHook, ingest: ScriptedIngest, run_id: str) -> None:
    with pytest.raises(ValueError, match="no run id"):
        hook.get_run(run_id)
    assert ingest.asked == []


def test_a_redirect_is_not_followed(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [Answer(307, None, {"Location": "http://127.0.0.1:1/elsewhere"})]
    with pytest.raises(IngestRefused, match="307"):
        hook.run_to_end(REQUEST, KEY)


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("http://ingest.internal:8080", "http://ingest.internal:8080"),
        ("http://ingest.internal", "http://ingest.internal"),
        ("https://ingest.internal:8443", "https://ingest.internal:8443"),
        ("http://ingest.internal/https", "https://ingest.internal"),
    ],
)
def test_the_base_url_is_the_connections(monkeypatch: pytest.MonkeyPatch, uri: str, base_url: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", uri)
    with EipIngestHook().get_conn() as client:
        assert str(client.base_url).rstrip("/") == base_url
