"""A real Airflow of the test's own: dev/airflow in a folder of its own, spoken to over REST v2 as people do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil  # type: ignore[import-untyped]

from places import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENDED = {"success", "failed"}
START_SECONDS = 400
PATIENCE_SECONDS = 300

POLICY = """
from datetime import timedelta

def task_policy(task):
    task.retry_delay = timedelta(seconds=2)  # what is killed here is well again at once
"""
"""Airflow's local settings: how all tasks of all DAGs are changed."""


@dataclass(frozen=True)
class RealAirflow:
    """Its data folder, what its processes were told, and a client that is logged in."""

    folder: Path
    variables: dict[str, str]
    client: httpx.Client

    def script(self, *words: str) -> str:
        """Runs dev/airflow on this folder; a command that fails fails the test with its words."""
        return script("airflow", self.folder, self.variables, *words)

    def cli(self, *words: str) -> str:
        """Runs Airflow's own command line on it."""
        line = f'eval "$({PROJECT}/dev/airflow env --dir {self.folder})" && exec airflow "$@"'
        path = f"{PROJECT}/.venv/bin:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-c", line, "airflow", *words],
            capture_output=True, text=True, timeout=300, check=False, env=self.variables | {"PATH": path},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        """What a path answers."""
        answer = self.client.get(path, params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def trigger(self, dag_id: str, **conf: Any) -> httpx.Response:  # noqa: ANN401
        """Asks for a run of a DAG."""
        return self.client.post(f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})

    def started(self, dag_id: str, **conf: Any) -> str:  # noqa: ANN401
        """Starts a run of a DAG and gives its id."""
        answer = self.trigger(dag_id, **conf)
        assert answer.is_success, answer.text
        run_id: str = answer.json()["dag_run_id"]
        return run_id

    def state(self, dag_id: str, run_id: str) -> str:
        """Where a run is."""
        state: str = self.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state

    def finished(self, dag_id: str, run_id: str) -> str:
        """How a run ended."""
        wait_for(lambda: self.state(dag_id, run_id) in ENDED, lambda: self.story(dag_id, run_id))
        return self.state(dag_id, run_id)

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """The states of a run's tasks."""
        found = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def story(self, dag_id: str, run_id: str) -> str:
        """For a failure's words: each task's state and try, and what the scheduler noted about them."""
        found = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        noted = self.get("/eventLogs", dag_id=dag_id, run_id=run_id)["event_logs"]
        lines = [f"{one['task_id']}[{one['map_index']}]: {one['state']}, try {one['try_number']}" for one in found]
        return "\n".join([*lines, *(f"{one['when']} {one['event']}: {one['extra']}" for one in noted)])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:  # noqa: ANN401
        """What a task handed on."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.get(path, deserialize="true")["value"]

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """A task's log as the page shows it."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        return self.client.get(path, params={"full_content": "true"}).text

    def instances(self, dag_id: str, run_id: str, task_id: str) -> list[dict[str, Any]]:
        """A task's instances: one, or one a partition."""
        found = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return sorted((one for one in found if one["task_id"] == task_id), key=lambda one: int(one["map_index"]))

    def await_another_try(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Waits until a task that was killed is to be tried again, or is already: that is seconds later."""

        def instances() -> list[dict[str, Any]]:
            return self.instances(dag_id, run_id, task_id)

        wait_for(lambda: any(one["state"] == "up_for_retry" or one["try_number"] > 1 for one in instances()), instances)

    def leader(self, name: str) -> psutil.Process:
        """One of the four processes."""
        return psutil.Process(int((self.folder / "pids" / name).read_text().split()[0]))

    def task_processes(self) -> list[psutil.Process]:
        """What runs the tasks' own code: the children of the executor's workers."""
        scheduler = self.leader("airflow-scheduler")
        workers = [child for child in scheduler.children() if "worker" in " ".join(words_of(child))]
        return [task for worker in workers for task in children_of(worker) if words_of(task)]

    def kill_tasks(self) -> None:
        """Ends every task that is in a worker at the moment, as a kernel does that is out of memory."""
        for process in self.task_processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()


@contextmanager
def real_airflow(**variables: str) -> Iterator[RealAirflow]:
    """Starts PostgreSQL and Airflow's four processes in a new folder; stops them and removes it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="eip-airflow-real-"))
    folder.chmod(0o755)  # PostgreSQL's user must be able to enter it
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "EIP_", "PYTEST"))}
    told = kept | variables
    settings = folder / "airflow" / "config" / "airflow_local_settings.py"
    settings.parent.mkdir(parents=True)
    settings.write_text(POLICY)
    try:
        script("services", folder, told, "up", "--only", "postgres")
        script("airflow", folder, told, "up")
        url = f"http://127.0.0.1:{(folder / 'ports' / 'airflow-api').read_text().strip()}"
        token = httpx.get(f"{url}/auth/token", trust_env=False, timeout=30).json()["access_token"]
        with httpx.Client(
            base_url=f"{url}/api/v2", headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60
        ) as client:
            airflow = RealAirflow(folder, told, client)
            wait_for(lambda: airflow.get("/dags")["total_entries"] == 6, lambda: airflow.get("/importErrors"))
            yield airflow
    finally:
        script("airflow", folder, told, "wipe")
        script("services", folder, told, "wipe", "--only", "postgres")
        shutil.rmtree(folder)


def script(name: str, folder: Path, variables: dict[str, str], *words: str) -> str:
    """Runs dev/NAME."""
    line = [str(PROJECT / "dev" / name), *words, "--dir", str(folder)]
    with tempfile.TemporaryFile("w+") as said:  # the servers that it starts keep a pipe open
        code = subprocess.run(
            line, stdout=said, stderr=said, timeout=START_SECONDS, check=False, env=variables
        ).returncode
        said.seek(0)
        text = said.read()
    assert code == 0, f"{line}:\n{text}"
    return text


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


def wait_for(is_so: Callable[[], bool], words: Callable[[], object]) -> None:
    """Looks twice a second; what never comes true fails with these words."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, f"not within {PATIENCE_SECONDS} s: {words()}"
        time.sleep(0.5)
