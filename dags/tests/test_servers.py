"""The DAGs on real servers: Kafka, Elasticsearch and PostgreSQL behind Ingest, nothing scripted.

The same facts come by pushed rows, by reference and at a pace of their own, each into a space of its own; the views'
digests say whether they are the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eip_binary import eip, eip_running, eip_server, needs_eip
from places import EIP
from real_airflow import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

LOGICAL_DATE = datetime(2018, 10, 18, tzinfo=UTC)
AS_OF = "2018-10-17T17:30:18Z"

pytestmark = needs_eip


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Servers of this module's own; gives what `dev/services env` exports."""
    folder = Path(tempfile.mkdtemp(prefix="eip-dags-servers-"))
    folder.chmod(0o755)  # the servers' user must be able to enter it
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}
    try:
        script("services", folder, kept, "up")
        exported = script("services", folder, kept, "env")
        yield dict(re.findall(r"export (EIP_\w+)=(\S+)", exported))
    finally:
        script("services", folder, kept, "wipe")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def chain(servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Ingest on these servers, with generated data that Airflow reads too; gives the data's folder."""
    data, rules = tmp_path / "data", tmp_path / "rules.toml"
    eip("generate", "--orders", "1500", "--seed", "11", "--out", data)
    rules.write_text('version = 1\npromise = "end_of_day"\n')
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EIP_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("EIP_BIN", str(EIP))
    where = {"conn_type": "fs", "extra": {"datasets": {"olist": str(data)}}}
    monkeypatch.setenv("AIRFLOW_CONN_EIP_DATA", json.dumps(where))
    named = ("--dataset", f"olist={data}", "--rules", f"end-of-day={rules}")
    with eip_server(tmp_path, "ingest", *named) as url:
        monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", url)
        yield data


def views(space: str, folder: Path) -> list[str]:
    """Brings the views of a space up and gives their digests."""
    eip("dataflow", "--space", space, "--until-caught-up")
    eip("verify", "--space", space)
    return re.findall(r"[0-9a-f]{64}", eip("export", "--space", space, "--out", folder / space))


def test_rows_reference_and_a_scaled_replay_give_the_same_views(
    chain: Path, dags: dict[str, DAG], tmp_path: Path
) -> None:
    eip("replay", "fast", "--data", chain, "--as-of", AS_OF, "--space", "plain")
    wanted = views("plain", tmp_path)
    assert len(wanted) == 3
    for delivery in ("rows", "reference"):
        conf = {"space": delivery, "delivery": delivery, "as_of": AS_OF, "partition": "quarter"}
        ended = dags["fast_backfill"].test(logical_date=LOGICAL_DATE, run_conf=conf)
        assert ended.state == "success"
        assert views(delivery, tmp_path) == wanted, delivery
    paced = {
        "space": "paced",
        "start_date": "2016-09-01",
        "end_date": "2018-12-31",
        "scale_factor": 1_000_000,
        "max_gap": 2_000,
        "as_of": AS_OF,
    }
    ended = dags["scaled_replay"].test(logical_date=LOGICAL_DATE, run_conf=paced)
    assert ended.state == "success"
    assert views("paced", tmp_path) == wanted


def test_a_window_on_the_servers_is_corrected_seen_and_verified(
    chain: Path, dags: dict[str, DAG], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eip("replay", "fast", "--data", chain)
    with eip_running(tmp_path, "dataflow"), eip_server(tmp_path, "api") as api:
        monkeypatch.setenv("AIRFLOW_CONN_EIP_API", api)
        conf = {"start_date": "2018-03-01", "end_date": "2018-04-01", "rules": "end-of-day"}
        ended = dags["window_backfill"].test(logical_date=LOGICAL_DATE, run_conf=conf)
        assert ended.state == "success"
        done = ended.get_task_instance("correct").xcom_pull(task_ids="correct")
        assert done["events"] > 0
        changed = dags["revert_run"].test(logical_date=LOGICAL_DATE, run_conf={"run": done["run"]})
        assert changed.state == "success"
        conf = {"day": "2018-03-05", "rules": "end-of-day"}
        ended = dags["replay_day"].test(logical_date=LOGICAL_DATE, run_conf=conf)
        assert ended.state == "success"
        assert ended.get_task_instance("replay").xcom_pull(task_ids="replay")["events"] > 0
        assert dags["verify_views"].test(logical_date=LOGICAL_DATE).state == "success"
