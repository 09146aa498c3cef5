"""The whole arrow, nothing scripted.

Airflow runs the DAG, it drives a real Ingest, the dataflow keeps the views, `eip verify` recomputes them, the
independent oracle agrees, and the API answers from them.

Once on generated data and once on the real Olist, which lies beside the project or where EIP_OLIST says.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from eip_binary import eip, eip_running, eip_server, needs_eip
from loaded_dags import load_dags
from places import EIP, OLIST, ORACLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow.sdk import DAG

VIEWS = ["shipment_events", "shipments", "route_stats_daily"]
LOGICAL_DATE = datetime(2018, 10, 18, tzinfo=UTC)

pytestmark = needs_eip


@dataclass(frozen=True)
class Arrow:
    """What is left when the arrow has been drawn."""

    folder: Path
    data: Path
    state: Path
    first: dict[str, Any]
    """What the DAG's last task handed on."""
    again: dict[str, Any]
    """The same of a second DAG run."""
    verdict: str
    exported: str

    @property
    def views(self) -> Path:
        return self.folder / "views"


@pytest.fixture(scope="module", params=["generated", "olist"])
def arrow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, airflow_database: None) -> Arrow:  # noqa: ARG001
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "olist":
        if not OLIST.is_dir():
            pytest.skip(f"the real Olist is not at {OLIST}: set EIP_OLIST to its folder")
        data = OLIST
    else:
        data = folder / "data"
        eip("generate", "--orders", "2000", "--seed", "7", "--out", data)
    state = folder / "state"
    with (
        eip_server(folder, "ingest", "--state", state, "--dataset", f"olist={data}") as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AIRFLOW_CONN_EIP_INGEST", url)
        patch.setenv(
            "AIRFLOW_CONN_EIP_DATA", json.dumps({"conn_type": "fs", "extra": {"datasets": {"olist": str(data)}}})
        )
        first, again = run_dag(), run_dag()
        eip("dataflow", "--state", state, "--until-caught-up")
        verdict = eip("verify", "--state", state)
        exported = eip("export", "--state", state, "--out", folder / "views")
    return Arrow(folder, data, state, first, again, verdict, exported)


def run_dag() -> dict[str, Any]:
    """Runs the DAG as Airflow does and gives what it wrote altogether."""
    conf = {"dataset": "olist", "delivery": "reference", "partition": "quarter"}
    ended = load_dags()["fast_backfill"].test(logical_date=LOGICAL_DATE, run_conf=conf)
    assert ended.state == "success"
    handed_on: dict[str, Any] = ended.get_task_instance("total").xcom_pull(task_ids="total")
    return handed_on


def test_all_partitions_together_are_all_events(arrow: Arrow) -> None:
    assert arrow.first["partitions"] > 5
    assert arrow.first["events"] == rows(arrow.views / "shipment_events.ndjson")


def test_a_second_backfill_asserts_the_same_and_changes_no_view(arrow: Arrow) -> None:
    assert arrow.again == arrow.first


def test_verify_agrees_and_export_prints_each_views_digest(arrow: Arrow) -> None:
    for view in VIEWS:
        digest = sha256(arrow.views / f"{view}.ndjson")
        assert digest in arrow.exported
        assert view in arrow.verdict


def test_the_views_are_the_oracles(arrow: Arrow) -> None:
    if not ORACLE.is_file():
        pytest.skip(f"the oracle is not at {ORACLE}")
    expected = arrow.folder / "expected"
    run_oracle("events", "--data", arrow.data, "--out", arrow.folder / "events.ndjson")
    run_oracle("views", "--log", arrow.folder / "events.ndjson", "--out", expected)
    for view in VIEWS:
        assert rows(arrow.views / f"{view}.ndjson") == rows(expected / f"{view}.ndjson"), view
        assert sha256(arrow.views / f"{view}.ndjson") == sha256(expected / f"{view}.ndjson"), view


def test_the_api_answers_from_the_views(arrow: Arrow) -> None:
    shipment = first(arrow.views / "shipments.ndjson", lambda row: row["status"] == "DELIVERED")
    day = date.fromisoformat(shipment["deliveredAt"][:10])
    route = {
        "stat_date": day.isoformat(),
        "seller_region": shipment["sellerRegion"],
        "customer_region": shipment["customerRegion"],
    }
    stats = first(arrow.views / "route_stats_daily.ndjson", lambda row: route.items() <= row.items())
    with (
        eip_server(arrow.folder, "api", "--state", arrow.state) as url,
        httpx.Client(base_url=url, timeout=30, trust_env=False) as client,
    ):
        answer = client.get(f"/v1/shipments/{shipment['orderId']}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["shipment"] == shipment
        assert len(answer.json()["events"]) == shipment["eventCount"]

        answer = client.get("/v1/shipments/no-such-order")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"

        query = {
            "start": day.isoformat(),
            "end": (day + timedelta(days=1)).isoformat(),
            "seller_region": route["seller_region"],
            "customer_region": route["customer_region"],
        }
        answer = client.get("/v1/routes/stats", params=query)
        assert answer.status_code == 200, answer.text
        (row,) = answer.json()["rows"]
        assert stats.items() <= row.items()


@pytest.fixture
def corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dags: dict[str, DAG]) -> Iterator[dict[str, DAG]]:
    """A chain that runs, with all events of generated data, and rules that can correct a month of it."""
    data, state, rules = tmp_path / "data", tmp_path / "state", tmp_path / "rules.toml"
    eip("generate", "--orders", "2000", "--seed", "7", "--out", data)
    rules.write_text('version = 1\npromise = "end_of_day"\n')
    named = ("--dataset", f"olist={data}", "--rules", f"end-of-day={rules}")
    with eip_server(tmp_path, "ingest", "--state", state, *named) as ingest:
        monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", ingest)
        run_dag()
        with (
            eip_running(tmp_path, "dataflow", "--state", state),
            eip_server(tmp_path, "api", "--state", state) as api,
        ):
            monkeypatch.setenv("AIRFLOW_CONN_EIP_API", api)
            monkeypatch.setenv("EIP_BIN", str(EIP))
            monkeypatch.setenv("EIP_STATE", str(state))
            assert dags["verify_views"].test(logical_date=LOGICAL_DATE).state == "success"
            yield dags


def test_a_window_is_corrected_seen_verified_and_taken_back(corrected: dict[str, DAG], tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = eip("export", "--state", state, "--out", tmp_path / "before")
    conf = {"start_date": "2018-03-01", "end_date": "2018-04-01", "rules": "end-of-day"}
    ended = corrected["window_backfill"].test(logical_date=LOGICAL_DATE, run_conf=conf)
    assert ended.state == "success"
    rehearsed = ended.get_task_instance("rehearse").xcom_pull(task_ids="rehearse")
    done = ended.get_task_instance("correct").xcom_pull(task_ids="correct")
    assert rehearsed["counts"]["events_planned"] == done["events"] > 0
    assert rehearsed["guard"]["covered"] > 0
    changed = eip("export", "--state", state, "--out", tmp_path / "changed")
    assert digests(changed) != digests(before)
    ended = corrected["revert_run"].test(logical_date=LOGICAL_DATE, run_conf={"run": done["run"]})
    assert ended.state == "success"
    assert digests(eip("export", "--state", state, "--out", tmp_path / "after")) == digests(before)


def test_a_day_done_twice_writes_nothing_the_second_time(corrected: dict[str, DAG]) -> None:
    events = []
    for _ in range(2):
        conf = {"day": "2018-03-02", "rules": "end-of-day"}
        ended = corrected["replay_day"].test(logical_date=LOGICAL_DATE, run_conf=conf)
        assert ended.state == "success"
        events.append(ended.get_task_instance("replay").xcom_pull(task_ids="replay")["events"])
    assert events[0] > 0
    assert events[1] == 0


def test_what_ingest_refuses_fails_the_task_in_its_words(
    dags: dict[str, DAG], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with eip_server(tmp_path, "ingest", "--state", tmp_path / "state") as url:
        monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", url)
        conf = {"dataset": "nowhere", "delivery": "reference"}
        ended = dags["fast_backfill"].test(logical_date=LOGICAL_DATE, run_conf=conf)
    assert ended.state == "failed"
    said = "".join(capfd.readouterr())
    assert "ingest answered 4" in said
    assert "nowhere" in said


def digests(exported: str) -> set[str]:
    """The SHA-256 of each view, out of what `eip export` prints."""
    return set(re.findall(r"[0-9a-f]{64}", exported))


def run_oracle(*arguments: str | Path) -> None:
    ended = subprocess.run([sys.executable, ORACLE, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def first(file: Path, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    with file.open(encoding="utf-8") as lines:
        return next(row for row in map(json.loads, lines) if fits(row))


def rows(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
