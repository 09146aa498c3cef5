"""Delivery by rows against delivery by reference: what a fast backfill from Airflow costs either way.

    .venv/bin/python bench/airflow_delivery.py --data DIR

Pushes the full range once by rows and once by reference, with the DAG's own requests and the provider's own operators,
into an `eip ingest` of its own each time (embedded log, new state folder), and prints events a second, the CPU seconds
of both sides, and their ratios: medians of `--repeat` rounds, in which the two take turns to go first. Partitions go
one after another, and a run by reference has ended when its task sees it. Not in the figures: what Airflow itself takes
to schedule a task and to start its process, which is the same for both. The first round also compares the views'
digests.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import psutil  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
Delivery = Literal["rows", "reference"]
DELIVERIES: tuple[Delivery, ...] = ("rows", "reference")
START_SECONDS = 60
WHOLE_RUN = 86_400.0
"""Seconds for which an operator stays with its run here: there is no triggerer that it could leave it to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one delivery of everything took."""

    events: int
    seconds: float
    airflow_cpu: float
    ingest_cpu: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cpu(self) -> float:
        """CPU seconds of both sides."""
        return self.airflow_cpu + self.ingest_cpu


def main() -> None:
    """Measures and prints."""
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="eip-delivery-") as name:
        folder = Path(name)
        data = given.data or generated(given.eip, folder, given.orders)
        prepare(folder, data)
        costs: dict[Delivery, list[Cost]] = {delivery: [] for delivery in DELIVERIES}
        parts = partitions(data, given.partition)
        for turn in range(given.repeat):
            digests = []
            for delivery in DELIVERIES if turn % 2 == 0 else DELIVERIES[::-1]:
                state = folder / f"{delivery}-{turn}"
                costs[delivery].append(measured(given.eip, state, data, delivery, parts[delivery]))
                if turn == 0:
                    digests.append(views(given.eip, state))
            if len({cost.events for each in costs.values() for cost in each}) > 1 or digests[1:] != digests[:-1]:
                sys.exit(f"the two did not write the same facts: {costs}, views {digests}")
        sys.stdout.write(table(costs, given.partition, len(parts["rows"]), data))


def arguments() -> argparse.Namespace:
    """The command line, checked."""
    default = Path(os.environ.get("EIP_BIN") or PROJECT / "target" / "release" / "eip")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a dataset's folder; without it, data is generated")
    parser.add_argument("--orders", type=int, default=100_000, help="so many generated orders (default: %(default)s)")
    parser.add_argument("--partition", choices=["month", "quarter", "year"], default="month", help="as in the DAG")
    parser.add_argument("--repeat", type=int, default=5, help="rounds, of which the medians are shown")
    parser.add_argument("--eip", type=Path, default=default, help="the binary (default: EIP_BIN, else %(default)s)")
    given = parser.parse_args()
    if given.repeat < 1 or given.orders < 1:
        parser.error("--repeat and --orders are at least 1")
    if given.data and not given.data.is_dir():
        parser.error(f"--data: {given.data} is no folder")
    if not os.access(given.eip, os.X_OK):
        parser.error(f"{given.eip} is no program: cargo build --release --bin eip, or give --eip")
    given.eip = given.eip.resolve()
    given.data = given.data and given.data.resolve()
    return given


def eip(binary: Path, *words: str | Path) -> str:
    """Runs a command of the binary to its end."""
    command = [binary, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=bare())  # noqa: S603 - words of ours
    if done.returncode:
        sys.exit(f"eip {' '.join(map(str, words))} exited {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def bare() -> dict[str, str]:
    """An environment that names no servers: everything is on the embedded log."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}


def generated(binary: Path, folder: Path, orders: int) -> Path:
    """Data of the real one's shape."""
    eip(binary, "generate", "--orders", str(orders), "--seed", "1", "--out", folder / "data")
    return folder / "data"


def prepare(folder: Path, data: Path) -> None:
    """An Airflow home of its own, before anything imports Airflow, and the dataset's folder as Airflow finds it."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    where = {"conn_type": "fs", "extra": {"datasets": {"olist": str(data)}}}
    os.environ |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW_CONN_EIP_DATA": json.dumps(where),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    sys.path.insert(0, str(PROJECT / "dags"))
    import fast_backfill  # noqa: F401 - what it costs to import is no part of the figures


def partitions(data: Path, unit: Literal["month", "quarter", "year"]) -> dict[Delivery, list[dict[str, Any]]]:
    """What the DAG's first task makes of the full range, for either delivery."""
    from eip_provider import olist
    from eip_provider.errors import DataUnusable

    try:
        seen = olist.survey(data)
    except DataUnusable as error:
        sys.exit(f"{data}: {error}")
    parts = olist.partitions(list(seen.purchases), unit)
    return {
        "rows": [part | {"as_of": seen.as_of} for part in parts],
        "reference": olist.event_ranges(parts, None, None, seen.as_of),
    }


def measured(binary: Path, state: Path, data: Path, delivery: Delivery, parts: list[dict[str, Any]]) -> Cost:
    """Delivers all partitions to an Ingest that has just been started."""
    with ingest(binary, state, data) as process:
        began, own, other = time.perf_counter(), time.process_time(), cpu_of(process)
        events = sum(delivered(delivery, number, part) for number, part in enumerate(parts))
        return Cost(
            events=events,
            seconds=time.perf_counter() - began,
            airflow_cpu=time.process_time() - own,
            ingest_cpu=cpu_of(process) - other,
        )


def delivered(delivery: Delivery, number: int, part: dict[str, Any]) -> int:
    """Does what one mapped task of the DAG does; gives how many events came of it."""
    import fast_backfill

    from eip_provider.operators.rows import EipRowsOperator
    from eip_provider.operators.run import EipRunOperator

    operator: EipRowsOperator | EipRunOperator
    if delivery == "rows":
        operator = EipRowsOperator(task_id="push_rows", request=fast_backfill.rows_of, part=part)
    else:
        operator = EipRunOperator(task_id="replay", request=fast_backfill.run_of, part=part, stay=WHOLE_RUN)
    params = {"dataset": "olist", "rules": "default", "start": None, "end": None, "mix": False, "space": "main"}
    instance = SimpleNamespace(
        dag_id="fast_backfill", run_id="bench", task_id=operator.task_id, map_index=number, max_tries=0, try_number=1,
        xcom_push=lambda **_: None,
    )  # fmt: skip
    context: Any = {"params": params, "ti": instance, "dag_run": SimpleNamespace(triggering_user_name=None)}
    events: int = operator.execute(context)["events"]
    return events


@contextmanager
def ingest(binary: Path, state: Path, data: Path) -> Iterator[psutil.Process]:
    """An Ingest of this measurement's own, to which the connection `eip_ingest` leads."""
    port_file, log = state.with_suffix(".port"), state.with_suffix(".log")
    command: list[str | Path] = [binary, "ingest", "--state", state, "--dataset", f"olist={data}"]
    command += ["--listen", "127.0.0.1:0", "--port-file", port_file]
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, env=bare())  # noqa: S603 - words of ours
    try:
        give_up_at = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if started.poll() is not None or time.monotonic() > give_up_at:
                sys.exit(f"eip ingest did not start:\n{log.read_text()}")
            time.sleep(0.01)
        os.environ["AIRFLOW_CONN_EIP_INGEST"] = f"http://127.0.0.1:{port_file.read_text().strip()}"
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait()


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def views(binary: Path, state: Path) -> list[str]:
    """The digests of the views of what was written."""
    eip(binary, "dataflow", "--state", state, "--until-caught-up")
    return re.findall(r"[0-9a-f]{64}", eip(binary, "export", "--state", state, "--out", state.with_suffix(".out")))


def table(costs: dict[Delivery, list[Cost]], unit: str, parts: int, data: Path) -> str:
    """The figures in Markdown."""
    rounds = len(costs["rows"])
    lines = [
        f"{costs['rows'][0].events:,} events of {data}, {parts} partitions by {unit}, medians of {rounds}:",
        "",
        "| | events/s | CPU s, the tasks | CPU s, Ingest | CPU s, both |",
        "|---|---|---|---|---|",
    ]
    middle = {
        delivery: [
            median(each.rate for each in found),
            *(median(getattr(each, name) for each in found) for name in ("airflow_cpu", "ingest_cpu", "cpu")),
        ]
        for delivery, found in costs.items()
    }
    for delivery, (rate, *cpu) in middle.items():
        lines.append(f"| {delivery} | {rate:,.0f} | " + " | ".join(f"{seconds:.2f}" for seconds in cpu) + " |")
    ratios = (rows / reference for rows, reference in zip(middle["rows"], middle["reference"], strict=True))
    lines.append("| rows / reference | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
