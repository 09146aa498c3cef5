"""A chain that a real Airflow drives, for all tests that need one: made once, and filled by the first backfill.

The tests build upon one another's log and each looks at what it added. What a retry finds and what a Clear starts is
seen in Ingest's ledger, which knows every run that was ever asked for.
"""

from __future__ import annotations

import json
import random
import re
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from eip_binary import eip, eip_running
from gate import Gate
from places import EIP
from real_airflow import RealAirflow, real_airflow, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

VIEWS = ("shipment_events", "shipments", "route_stats_daily")


@dataclass
class Chain:
    """Ingest, dataflow and API on one embedded log, on ports that they keep."""

    folder: Path
    ports: dict[str, int]
    gate: Gate
    """How Airflow reaches Ingest."""
    running: dict[str, ExitStack] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    @property
    def data(self) -> Path:
        """The files of the dataset `olist`."""
        return self.folder / "data"

    @property
    def more(self) -> Path:
        """The files of the dataset `more`, whose years take several requests each when they are pushed."""
        return self.folder / "more"

    @property
    def hold_verify(self) -> Path:
        """While this file is there, `eip verify` under Airflow waits before it begins."""
        return self.folder / "hold-verify"

    def url(self, name: str) -> str:
        """Where a server listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, name: str) -> None:
        """Starts a server and waits until it answers."""
        words = [] if name == "dataflow" else ["--listen", f"127.0.0.1:{self.ports[name]}"]
        if name == "ingest":
            words += ["--dataset", f"olist={self.data}", "--dataset", f"more={self.more}"]
            words += ["--rules", f"end-of-day={self.folder / 'rules.toml'}"]
        self.running[name] = ExitStack()
        process = self.running[name].enter_context(eip_running(self.folder, name, "--state", str(self.state), *words))
        self.processes[name] = process
        if name != "dataflow":
            alive = f"{self.url(name)}/livez"
            wait_for(lambda: answers(alive), lambda: name)

    def stop(self, name: str) -> None:
        """Ends it as its operator would."""
        self.running.pop(name).close()

    def kill(self, name: str) -> None:
        """Ends it as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait()
        with pytest.raises(AssertionError, match="ended by itself"):
            self.stop(name)

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        """What Ingest answers."""
        answer = httpx.get(f"{self.url('ingest')}{path}", params=query, trust_env=False, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def runs(self, space: str = "main") -> list[dict[str, Any]]:
        """A space's ledger."""
        listed: list[dict[str, Any]] = self.get("/v1/runs", space=space)["runs"]
        return listed

    def runs_of(self, dag_id: str, run_id: str, space: str = "main") -> list[dict[str, Any]]:
        """The runs that one DAG run asked for."""
        head = f"airflow {dag_id}/{run_id}/"
        return [run for run in self.runs(space) if (run["origin"] or "").startswith(head)]

    def written(self, dag_id: str, run_id: str) -> int:
        """How many records the live runs of one DAG run have written."""
        return sum((run["progress"] or {}).get("records", 0) for run in self.runs_of(dag_id, run_id))

    def verify(self, space: str = "main") -> str:
        """The proof; views that differ fail the test."""
        return eip("verify", "--state", self.state, "--space", space)

    def digests(self, space: str = "main") -> list[str]:
        """Of the stored views."""
        return digests(self.state, space, self.folder / "exported")


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Servers on generated data."""
    folder = tmp_path_factory.mktemp("chain")
    eip("generate", "--orders", "2000", "--seed", "7", "--out", folder / "data")
    eip("generate", "--orders", "6000", "--seed", "8", "--out", folder / "more")
    (folder / "rules.toml").write_text('version = 1\npromise = "end_of_day"\n')
    ports = {name: free_port() for name in ("ingest", "api")}
    with Gate(ports["ingest"]) as gate:
        chain = Chain(folder, ports, gate)
        try:
            for name in ("ingest", "dataflow", "api"):
                chain.start(name)
            yield chain
        finally:
            for name in reversed(list(chain.running)):
                chain.stop(name)


@pytest.fixture(scope="session")
def airflow(chain: Chain) -> Iterator[RealAirflow]:
    """The four processes, which know this chain."""
    host, port = chain.gate.url.removeprefix("http://").split(":")
    ingest = {"conn_type": "http", "host": host, "port": int(port), "extra": {"public_url": chain.url("ingest")}}
    data = {"conn_type": "fs", "extra": {"datasets": {"olist": str(chain.data), "more": str(chain.more)}}}
    program = chain.folder / "eip"
    program.write_text(f'#!/bin/sh\nwhile [ -e {chain.hold_verify} ]; do sleep 0.1; done\nexec {EIP} "$@"\n')
    program.chmod(0o755)
    with real_airflow(
        AIRFLOW_CONN_EIP_INGEST=json.dumps(ingest),
        AIRFLOW_CONN_EIP_API=chain.url("api"),
        AIRFLOW_CONN_EIP_DATA=json.dumps(data),
        EIP_BIN=str(program),
        EIP_STATE=str(chain.state),
        AIRFLOW__WORKERS__SOCKET_CLEANUP_TIMEOUT="5",
        AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD="15",  # a killed one's tasks are then another's
    ) as airflow:
        yield airflow


@pytest.fixture(scope="session")
def filled(airflow: RealAirflow, chain: Chain) -> RealAirflow:
    """The first backfill is done, and whoever waits for events has verified the views."""
    run_id = airflow.started("fast_backfill", partition="year", delivery="rows")
    assert airflow.finished("fast_backfill", run_id) == "success"
    total = airflow.xcom("fast_backfill", run_id, "total")
    assert total["events"] == sum(run["counts"]["events"] for run in chain.runs_of("fast_backfill", run_id))
    assert total["partitions"] > 1
    return airflow


def digests(state: Path, space: str, out: Path) -> list[str]:
    """Of the views of a space, which nobody changes at the moment."""
    found = re.findall(r"[0-9a-f]{64}", eip("export", "--state", state, "--space", space, "--out", out))
    assert len(found) == len(VIEWS)
    return found


def answers(url: str) -> bool:
    """Whether somebody is there and well."""
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False


def free_port() -> int:
    """A port below those that the kernel gives to clients: none of them sits on it while its server is away."""
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as listening, suppress(OSError):
            listening.bind(("127.0.0.1", port))
            return port
    raise AssertionError("found no free port between 20000 and 32000")
