"""A real Airflow, its own processes, drives a real Ingest: over REST and the command line, through kills and outages.

The tests build upon one another's log and each looks at what it added. What a retry finds and what a Clear starts is
seen in Ingest's ledger, which knows every run that was ever asked for.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from eip_binary import eip, eip_running
from places import EIP
from real_airflow import RealAirflow, real_airflow, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    "EIP_BIN" not in os.environ and not EIP.exists(), reason=f"no binary at {EIP}: make test builds it, or set EIP_BIN"
)

MARCH = {"start_date": "2018-03-01", "end_date": "2018-04-01", "rules": "end-of-day"}


@dataclass
class Chain:
    """Ingest, dataflow and API on one embedded log, on ports that they keep."""

    folder: Path
    ports: dict[str, int]
    running: dict[str, ExitStack] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, name: str) -> None:
        words = [] if name == "dataflow" else ["--listen", f"127.0.0.1:{self.ports[name]}"]
        if name == "ingest":
            words += ["--dataset", f"olist={self.data}", "--rules", f"end-of-day={self.folder / 'rules.toml'}"]
        self.running[name] = ExitStack()
        process = self.running[name].enter_context(eip_running(self.folder, name, "--state", str(self.state), *words))
        self.processes[name] = process
        if name != "dataflow":
            alive = f"{self.url(name)}/{'livez' if name == 'ingest' else 'healthz'}"
            wait_for(lambda: answers(alive), 30, lambda: name)

    def stop(self, name: str) -> None:
        self.running.pop(name).close()

    def kill(self, name: str) -> None:
        """Ends it as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait()
        with pytest.raises(AssertionError, match="ended by itself"):
            self.stop(name)

    def runs(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url('ingest')}/v1/runs", trust_env=False, timeout=60)
        listed: list[dict[str, Any]] = answer.json()["runs"]
        return listed

    def runs_of(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The runs that one DAG run asked for."""
        head = f"airflow {dag_id}/{run_id}/"
        return [run for run in self.runs() if (run["origin"] or "").startswith(head)]

    def written(self, dag_id: str, run_id: str) -> int:
        """How many records the live runs of one DAG run have written."""
        return sum((run["progress"] or {}).get("records", 0) for run in self.runs_of(dag_id, run_id))

    def verify(self) -> str:
        return eip("verify", "--state", self.state)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("chain")
    eip("generate", "--orders", "2000", "--seed", "7", "--out", folder / "data")
    (folder / "rules.toml").write_text('version = 1\npromise = "end_of_day"\n')
    chain = Chain(folder, {name: free_port() for name in ("ingest", "api")})
    try:
        for name in ("ingest", "dataflow", "api"):
            chain.start(name)
        yield chain
    finally:
        for name in reversed(list(chain.running)):
            chain.stop(name)


@pytest.fixture(scope="module")
def airflow(chain: Chain) -> Iterator[RealAirflow]:
    data = {"conn_type": "fs", "extra": {"datasets": {"olist": str(chain.data)}}}
    with real_airflow(
        AIRFLOW_CONN_EIP_INGEST=chain.url("ingest"),
        AIRFLOW_CONN_EIP_API=chain.url("api"),
        AIRFLOW_CONN_EIP_DATA=json.dumps(data),
        EIP_BIN=str(EIP),
        EIP_STATE=str(chain.state),
        AIRFLOW__WORKERS__SOCKET_CLEANUP_TIMEOUT="5",
    ) as airflow:
        yield airflow


@pytest.fixture(scope="module")
def filled(airflow: RealAirflow, chain: Chain) -> RealAirflow:
    """The first backfill is done, and whoever waits for events has verified the views."""
    run_id = airflow.started("fast_backfill", partition="year", delivery="rows")
    assert airflow.finished("fast_backfill", run_id) == "success"
    total = airflow.xcom("fast_backfill", run_id, "total")
    assert total["events"] == sum(run["counts"]["events"] for run in chain.runs_of("fast_backfill", run_id))
    assert total["partitions"] > 1
    return airflow


def test_what_waits_for_events_is_scheduled_by_the_asset(filled: RealAirflow) -> None:
    wait_for(lambda: filled.get("/dags/verify_views/dagRuns")["total_entries"] > 0, 60, lambda: "no run")
    (run, *_) = filled.get("/dags/verify_views/dagRuns")["dag_runs"]
    assert run["run_type"] == "asset_triggered"
    assert filled.finished("verify_views", run["dag_run_id"]) == "success"


def test_a_person_approves_a_correction_and_it_is_taken_back(filled: RealAirflow, chain: Chain) -> None:
    before = eip("export", "--state", chain.state, "--out", chain.folder / "before")
    run_id = filled.started("window_backfill", **MARCH, approval="always")
    tasks = f"/dags/window_backfill/dagRuns/{run_id}/taskInstances"
    assert "orders covered" in approve(filled, run_id)
    assert filled.finished("window_backfill", run_id) == "success"
    rehearsal, correction = chain.runs_of("window_backfill", run_id)
    assert (rehearsal["state"], correction["state"]) == ("rehearsed", "committed")
    assert correction["plan"] == rehearsal["plan"]
    links = filled.get(f"{tasks}/correct/links")["extra_links"]
    assert links["Run"] == f"{chain.url('ingest')}/v1/runs/{correction['run']}"
    assert links["Receipt"] == f"{links['Run']}/receipt"
    assert f"run {correction['run']}: committed" in filled.log("window_backfill", run_id, "correct")
    assert eip("export", "--state", chain.state, "--out", chain.folder / "changed") != before
    revert = filled.started("revert_run", run=correction["run"])
    assert filled.finished("revert_run", revert) == "success"
    for view in ("shipment_events", "shipments", "route_stats_daily"):
        eip("export", "--state", chain.state, "--out", chain.folder / "after")
        after, first = (chain.folder / place / f"{view}.ndjson" for place in ("after", "before"))
        assert after.read_bytes() == first.read_bytes()


@pytest.mark.parametrize(
    ("dag_id", "conf"),
    [
        ("fast_backfill", {"dataset": "../../etc"}),
        ("fast_backfill", {"space": "a/b"}),
        ("window_backfill", {}),
        ("window_backfill", {"start_date": "2017-02-29", "end_date": "2018-01-01"}),
        ("revert_run", {"run": "$(id)"}),
        ("scaled_replay", {"start_date": "2018-01-01", "end_date": "2018-01-08", "scale_factor": 0}),
        ("replay_day", {"day": "yesterday"}),
    ],
)
def test_bad_params_answer_400_and_start_nothing(airflow: RealAirflow, dag_id: str, conf: dict[str, Any]) -> None:
    before = airflow.get(f"/dags/{dag_id}/dagRuns")["total_entries"]
    assert airflow.trigger(dag_id, **conf).status_code == 400
    assert airflow.get(f"/dags/{dag_id}/dagRuns")["total_entries"] == before


def test_what_a_range_lacks_is_said_in_ingests_own_words(filled: RealAirflow) -> None:
    run_id = filled.started("window_backfill", start_date="2018-03-02", end_date="2018-03-01")
    assert filled.finished("window_backfill", run_id) == "failed"
    assert "start is not before end" in filled.log("window_backfill", run_id, "rehearse")


def test_airflows_own_backfill_does_days_and_does_them_again(filled: RealAirflow, chain: Chain) -> None:
    words = ["backfill", "create", "--dag-id", "replay_day", "--from-date", "2018-03-01", "--to-date", "2018-03-03"]
    filled.cli(*words)
    for expected in (3, 6):
        wait_for(lambda: days_done(filled) == 3 and len(day_runs(chain)) == expected, 150, lambda: day_runs(chain))  # noqa: B023
        wait_for(lambda: all(backfill["completed_at"] for backfill in backfills(filled)), 60, lambda: backfills(filled))
        if expected == 3:
            filled.cli(*words, "--reprocess-behavior", "completed")
    runs = day_runs(chain)
    assert {run["state"] for run in runs} == {"committed"}
    assert sorted(run["start"] for run in runs) == ["2018-03-01"] * 2 + ["2018-03-02"] * 2 + ["2018-03-03"] * 2


def test_an_ingest_that_is_away_is_waited_for(filled: RealAirflow, chain: Chain) -> None:
    chain.stop("ingest")
    run_id = filled.started("replay_day", day="2018-03-05")
    wait_for(
        lambda: filled.tasks("replay_day", run_id).get("replay") == "running",
        60,
        lambda: filled.tasks("replay_day", run_id),
    )
    chain.start("ingest")
    assert filled.finished("replay_day", run_id) == "success"
    assert len(chain.runs_of("replay_day", run_id)) == 1


@pytest.mark.parametrize(
    ("dag_id", "conf"),
    [
        ("replay_day", {"day": "2018-03-06"}),
        ("scaled_replay", {"start_date": "2018-03-01", "end_date": "2018-03-08", "duration": 3, "mix": True}),
        ("window_backfill", {"start_date": "2018-03-20", "end_date": "2018-03-22"}),
    ],
)
def test_a_task_that_is_killed_while_it_asks_finds_its_run_again(
    filled: RealAirflow, chain: Chain, dag_id: str, conf: dict[str, Any]
) -> None:
    rehearses = dag_id == "window_backfill"
    task_id = "rehearse" if rehearses else "replay"
    chain.processes["ingest"].send_signal(signal.SIGSTOP)
    try:
        run_id = filled.started(dag_id, **conf)
        wait_for(
            lambda: filled.tasks(dag_id, run_id).get(task_id) == "running" and bool(task_processes(filled)),
            60,
            lambda: filled.tasks(dag_id, run_id),
        )
        kill_tasks(filled)
        wait_for(
            lambda: filled.tasks(dag_id, run_id).get(task_id) == "up_for_retry",
            120,
            lambda: filled.tasks(dag_id, run_id),
        )
    finally:
        chain.processes["ingest"].send_signal(signal.SIGCONT)
    assert filled.finished(dag_id, run_id) == "success"
    assert [run["state"] for run in chain.runs_of(dag_id, run_id)] == ["rehearsed"] * rehearses + ["committed"]


def test_a_process_that_has_ended_but_is_not_collected_runs_no_task() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        seen = psutil.Process(process.pid)
        assert words_of(seen) == ["/bin/sleep", "60"]
        process.kill()
        wait_for(lambda: seen.status() == psutil.STATUS_ZOMBIE, 10, seen.status)
        assert words_of(seen) == []
    assert words_of(seen) == children_of(seen) == []


def test_a_clear_after_the_data_changed_is_a_new_run_with_new_figures(filled: RealAirflow, chain: Chain) -> None:
    run_id = filled.started("window_backfill", start_date="2018-03-10", end_date="2018-03-12")
    assert filled.finished("window_backfill", run_id) == "success"
    orders = chain.data / "olist_orders_dataset.csv"
    whole = orders.read_text()
    lines = whole.splitlines(keepends=True)
    (index,) = [n for n, line in enumerate(lines) if "2018-03-10" in line.split(",")[3]][:1]
    orders.write_text("".join([*lines[:index], *lines[index + 1 :]]))
    try:
        cleared = filled.client.post(
            "/dags/window_backfill/clearTaskInstances",
            json={"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True},
        )
        assert cleared.is_success, cleared.text
        wait_for(lambda: len(chain.runs_of("window_backfill", run_id)) == 4, 90, chain.runs)
        assert filled.finished("window_backfill", run_id) == "success"
    finally:
        orders.write_text(whole)
    _, first, _, second = chain.runs_of("window_backfill", run_id)
    assert first["guard"]["vanishing"] == 0
    assert second["guard"]["vanishing"] == 1
    assert chain.verify()


def test_a_guard_fails_the_task_with_ingests_words_and_figures(filled: RealAirflow, chain: Chain) -> None:
    orders = chain.data / "olist_orders_dataset.csv"
    whole = orders.read_text()
    kept = [line for line in whole.splitlines(keepends=True) if "2018-04-1" not in line]
    orders.write_text("".join(kept))
    try:
        conf = {"start_date": "2018-04-01", "end_date": "2018-05-01", "approval": "never"}
        run_id = filled.started("window_backfill", **conf)
        assert filled.finished("window_backfill", run_id) == "failed"
    finally:
        orders.write_text(whole)
    said = filled.log("window_backfill", run_id, "correct")
    assert "stopped before the first record" in said
    assert "guard covered" in said


def test_a_person_may_let_more_vanish_than_a_guard_does(filled: RealAirflow, chain: Chain) -> None:
    may = {"start_date": "2018-05-01", "end_date": "2018-06-01"}
    # Orders that came last by pushed rows never vanish; from here on they are a window run's.
    first = filled.started("window_backfill", **may)
    assert filled.finished("window_backfill", first) == "success"
    orders = chain.data / "olist_orders_dataset.csv"
    whole = orders.read_text()
    orders.write_text("".join(line for line in whole.splitlines(keepends=True) if "2018-05-1" not in line))
    try:
        run_id = filled.started("window_backfill", **may)
        approve(filled, run_id)
        assert filled.finished("window_backfill", run_id) == "success"
    finally:
        orders.write_text(whole)
    rehearsal, correction = chain.runs_of("window_backfill", run_id)
    assert (rehearsal["state"], correction["state"]) == ("rehearsed", "committed")
    assert correction["guard"]["vanishing"] > 10
    assert int(correction["limits"]["max_vanishing"]) == rehearsal["guard"]["vanishing"]
    # They come back by themselves: nothing is retracted, so nobody is asked.
    again = filled.started("window_backfill", **may)
    assert filled.finished("window_backfill", again) == "success"
    assert filled.tasks("window_backfill", again)["approve"] == "skipped"


def test_a_triggerer_that_is_killed_changes_nothing(filled: RealAirflow, chain: Chain) -> None:
    week = {"start_date": "2018-03-01", "end_date": "2018-03-08", "duration": 25, "mix": True}
    run_id = filled.started("scaled_replay", **week)
    wait_for(lambda: bool(chain.runs_of("scaled_replay", run_id)), 60, lambda: filled.tasks("scaled_replay", run_id))
    filled.script("kill", "airflow-triggerer")
    wait_for(lambda: chain.runs_of("scaled_replay", run_id)[0]["state"] == "committed", 60, chain.runs)
    filled.script("start", "airflow-triggerer")
    assert filled.finished("scaled_replay", run_id) == "success"
    assert len(chain.runs_of("scaled_replay", run_id)) == 1


def test_an_ingest_that_dies_in_the_middle_goes_on_with_the_same_run(filled: RealAirflow, chain: Chain) -> None:
    week = {"start_date": "2018-03-01", "end_date": "2018-03-08", "duration": 20, "mix": True}
    run_id = filled.started("scaled_replay", **week)
    wait_for(lambda: chain.written("scaled_replay", run_id) > 20, 60, lambda: filled.tasks("scaled_replay", run_id))
    chain.kill("ingest")
    chain.start("ingest")
    assert filled.finished("scaled_replay", run_id) == "success"
    (run,) = chain.runs_of("scaled_replay", run_id)
    assert run["state"] == "committed"
    assert run["attempt"] > 1
    assert run["counts"]["events_before"] > 0
    assert run["counts"]["events_before"] + run["counts"]["events"] == run["counts"]["events_planned"]
    assert chain.verify()


def approve(airflow: RealAirflow, run_id: str) -> str:
    """Says yes to what a run of window_backfill asks, as a person would; gives what it asked."""
    details = f"/dags/window_backfill/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    wait_for(
        lambda: airflow.tasks("window_backfill", run_id).get("approve") == "awaiting_input",
        90,
        lambda: airflow.tasks("window_backfill", run_id),
    )
    asked: str = airflow.get(details)["body"]
    # An answer within the second in which the task was parked makes the scheduler take the two for one failed try
    # (3.3.2: the executor's report of the first half meets a task that is queued again). No person is that fast.
    time.sleep(3)
    answer = airflow.client.patch(details, json={"chosen_options": ["Approve"], "params_input": {}})
    assert answer.is_success, answer.text
    return asked


def day_runs(chain: Chain) -> list[dict[str, Any]]:
    return [run for run in chain.runs() if (run["origin"] or "").startswith("airflow replay_day/backfill__")]


def days_done(airflow: RealAirflow) -> int:
    runs = airflow.get("/dags/replay_day/dagRuns")["dag_runs"]
    return sum(run["run_type"] == "backfill" and run["state"] == "success" for run in runs)


def backfills(airflow: RealAirflow) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = airflow.get("/backfills", dag_id="replay_day")["backfills"]
    return found


def task_processes(airflow: RealAirflow) -> list[psutil.Process]:
    """What runs the tasks' own code: the children of the executor's workers."""
    scheduler = psutil.Process(int((airflow.folder / "pids" / "airflow-scheduler").read_text().split()[0]))
    workers = [child for child in scheduler.children() if "worker" in " ".join(words_of(child))]
    return [task for worker in workers for task in children_of(worker) if words_of(task)]


def words_of(process: psutil.Process) -> list[str]:
    """A process's command line; none once it has ended, whether or not its parent has collected it."""
    with suppress(psutil.NoSuchProcess):  # also a zombie's
        words: list[str] = process.cmdline()
        return words
    return []


def children_of(process: psutil.Process) -> list[psutil.Process]:
    """What a process has started; nothing once it has ended."""
    with suppress(psutil.NoSuchProcess):
        children: list[psutil.Process] = process.children()
        return children
    return []


def kill_tasks(airflow: RealAirflow) -> None:
    """Ends every task that runs at the moment as the kernel would that is out of memory."""
    for process in task_processes(airflow):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def answers(url: str) -> bool:
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
