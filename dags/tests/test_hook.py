"""Laws of the hook, against a scripted Ingest: what is sent, what is waited out, what fails, and in whose words."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from eip_provider.errors import RequestRefused, RunExcluded, ServiceUnavailable
from eip_provider.hook import EipIngestHook
from eip_provider.http import client_options
from eip_provider.requests import FastRun, RowsRequest, WindowRun
from scripted_ingest import RUN_ID, Answer, ScriptedIngest, accepted, ended, problem, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = FastRun(dataset="olist", start="2018-03-01", end="2018-04-01")
ROWS = RowsRequest(rules="default", as_of="2018-10-17T17:30:18Z", space="peak")
KEY = "fast_backfill/manual__1/replay/0.0"


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


def test_a_process_reads_the_certificates_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", "https://ingest.internal:8443")
    first, again = (client_options(EipIngestHook().get_connection("eip_ingest"))["verify"] for _ in range(2))
    assert first is again
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname


def test_a_run_is_started_by_one_post(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [accepted()]
    assert hook.start(REQUEST, KEY, "maria").state == "requested"
    (post,) = ingest.asked
    assert (post.method, post.path) == ("POST", "/v1/runs")
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


def test_another_run_that_goes_first_is_named_and_only_for_runs_that_exclude(
    hook: EipIngestHook, ingest: ScriptedIngest
) -> None:
    ingest.answers = [problem(409, "Conflict", "run 00000000000000aa is under way", run="00000000000000aa")]
    with pytest.raises(RunExcluded, match="00000000000000aa is under way") as excluded:
        hook.start(WindowRun(dataset="olist"), KEY)
    assert excluded.value.winner == "00000000000000aa"
    with pytest.raises(RequestRefused, match="409"):
        hook.start(REQUEST, KEY)


def test_a_list_that_is_none_is_a_refusal(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.fixed["GET /v1/runs"] = Answer(200, {"jobs": []})
    with pytest.raises(RequestRefused, match="not understood"):
        hook.runs()


def test_a_space_is_a_query_value(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [ended("committed")]
    hook.runs("peak")
    hook.get_run(RUN_ID, "peak")
    hook.cancel(RUN_ID, "peak")
    assert [asked.path for asked in ingest.asked] == [
        "/v1/runs?space=peak",
        f"/v1/runs/{RUN_ID}?space=peak",
        f"/v1/runs/{RUN_ID}?space=peak",
    ]


def test_a_space_that_is_not_there_yet_has_no_runs(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.fixed["GET /v1/runs"] = problem(404, "Not Found", "there is no space peak")
    assert hook.runs("peak") == []
    with pytest.raises(RequestRefused):
        hook.runs()


def test_a_run_that_has_ended_is_cancelled_already(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [problem(409, "Conflict", "run has ended already: committed")]
    hook.cancel(RUN_ID)


def test_a_rehearsal_that_is_gone_is_none(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    assert hook.rehearsal(RUN_ID) is None
    ingest.fixed[f"GET /v1/runs/{RUN_ID}/rehearsal"] = Answer(200, {"guard": None})
    assert hook.rehearsal(RUN_ID) == {"guard": None}


def test_the_connections_password_is_the_bearer_token(
    hook: EipIngestHook, ingest: ScriptedIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", ingest.url.replace("http://", "http://:s3cret@"))
    hook.runs()
    assert ingest.asked[0].headers["Authorization"] == "Bearer s3cret"


def test_rows_travel_gzipped_with_their_conversion_named_and_each_verdict_is_read(
    hook: EipIngestHook, ingest: ScriptedIngest
) -> None:
    ingest.answers = [
        verdicts(
            {"line": 1, "file": "orders", "status": "rejected", "field": "order_status", "reason": "no status"},
            {"line": 2, "file": "sellers", "status": "accepted"},
            {"run": RUN_ID, "state": "committed", "accepted": 1, "rejected": 1, "events": 5},
        )
    ]
    lines = [{"file": "orders", "row": {"order_id": "a"}}, {"file": "sellers", "row": {"seller_id": "b"}}]
    body = gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())
    answer = hook.push_rows(ROWS, body, KEY, "maria")
    assert (answer.run_id, answer.accepted, answer.rejected, answer.events) == (RUN_ID, 1, 1, 5)
    assert answer.first_rejects == ("line 1 (orders), order_status: no status",)
    (post,) = ingest.asked
    assert post.path == "/v1/rows?rules=default&as_of=2018-10-17T17%3A30%3A18Z&space=peak"
    assert post.headers["Idempotency-Key"] == KEY
    assert post.body == lines


@pytest.mark.parametrize("lines", [[], [{"line": 1, "status": "accepted"}], [{"run": RUN_ID, "state": "failed"}]])
def test_an_answer_to_rows_without_its_closing_line_is_no_answer(
    hook: EipIngestHook, ingest: ScriptedIngest, lines: list[dict[str, Any]]
) -> None:
    ingest.answers = [verdicts(*lines)]
    with pytest.raises(ServiceUnavailable, match="not whole"):
        hook.push_rows(ROWS, b"", KEY)


@pytest.mark.parametrize(
    "bad", [{"space": "../x"}, {"rules": "a b"}, {"as_of": "now"}, {"start": "x"}, {"end": "2018-01-01&x=1"}]
)
def test_only_what_fits_becomes_part_of_a_query(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="does not match"):
        RowsRequest(**({"rules": "default", "as_of": "2018-10-17T17:30:18Z"} | bad))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_a_refusal_carries_title_and_detail(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time, status: int
) -> None:
    ingest.answers = [problem(status, "unknown dataset", "no dataset 'olist'; there are: spring")]
    with pytest.raises(RequestRefused, match=rf"{status} to POST /v1/runs: unknown dataset: no dataset 'olist'"):
        hook.start(REQUEST, KEY)
    assert time.pauses == []


def test_an_answer_that_is_no_run_is_a_refusal(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [Answer(200, raw=b"<html>welcome</html>")]
    with pytest.raises(RequestRefused, match="not understood"):
        hook.start(REQUEST, KEY)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_not_now_is_asked_again_with_the_same_key(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time, status: int
) -> None:
    ingest.answers = [problem(status, "not now", "busy"), ended("committed")]
    assert hook.start(REQUEST, KEY).state == "committed"
    assert [asked.headers.get("Idempotency-Key") for asked in ingest.asked] == [KEY, KEY]
    assert time.pauses[0] == 0.2


def test_retry_after_is_kept(hook: EipIngestHook, ingest: ScriptedIngest, time: Time) -> None:
    ingest.answers = [Answer(429, {}, {"Retry-After": "7"}), ended("committed")]
    hook.start(REQUEST, KEY)
    assert time.pauses == [7.0]


def test_an_ingest_that_stays_unwell_is_given_up_within_the_patience(
    hook: EipIngestHook, ingest: ScriptedIngest, time: Time
) -> None:
    ingest.answers = [problem(503, "not ready", "the log is locked by another writer")]
    with pytest.raises(ServiceUnavailable, match="503 not ready: the log is locked by another writer"):
        hook.start(REQUEST, KEY)
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
        assert hook.start(REQUEST, KEY).state == "committed"
    assert time.pauses == [0.2, 0.4]


def test_an_ingest_that_never_comes_is_named(hook: EipIngestHook, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        port = bound_but_not_listening.getsockname()[1]
        monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", f"http://127.0.0.1:{port}")
        with pytest.raises(ServiceUnavailable, match=rf"127.0.0.1:{port} .*ConnectError"):
            hook.start(REQUEST, KEY)
    assert time.now <= 60


@pytest.mark.parametrize("run_id", ["../admin", "a/b", "a?b=1", "", "ü"])
def test_only_a_run_id_becomes_part_of_a_url(hook: EipIngestHook, ingest: ScriptedIngest, run_id: str) -> None:
    with pytest.raises(ValueError, match="no run id"):
        hook.get_run(run_id)
    assert ingest.asked == []


def test_a_redirect_is_not_followed(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.answers = [Answer(307, None, {"Location": "http://127.0.0.1:1/elsewhere"})]
    with pytest.raises(RequestRefused, match="307"):
        hook.start(REQUEST, KEY)


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
