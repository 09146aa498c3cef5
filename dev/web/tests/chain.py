"""A chain: generated data, Ingest, a dataflow and the API, in a folder and a space of the test's own.

It works on the embedded log and views, or on servers, which its variables of the environment name.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

ORDERS = 3_000
# Every other order is promised by the end of a day instead of its beginning: a correction has something to change.
RULES = 'version = 1\npromise = "end_of_day"\n'
PATIENCE_S = 120.0
_spaces = itertools.count(1)


def environment() -> dict[str, str]:
    """Ours without the settings of another chain."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}


def binary() -> str:
    return os.environ["EIP_BIN"]


def becomes(holds: Callable[[], bool]) -> None:
    """Waits until something holds of what the views say."""
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, f"it did not hold within {PATIENCE_S} s"
        time.sleep(0.2)


@dataclass
class Service:
    """A process of `eip` that serves, and where."""

    process: subprocess.Popen[str]
    address: str

    @classmethod
    def start(cls, variables: Mapping[str, str], *words: str) -> Service:
        """Starts one that prints where it listens."""
        process = subprocess.Popen([binary(), *words], stdout=subprocess.PIPE, text=True, env={**variables})
        assert process.stdout
        first = process.stdout.readline().strip()
        return cls(process, first.removeprefix("listening on "))

    @classmethod
    def start_silent(cls, variables: Mapping[str, str], *words: str) -> Service:
        """Starts one that listens nowhere."""
        return cls(subprocess.Popen([binary(), *words], stdout=subprocess.DEVNULL, text=True, env={**variables}), "")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        if self.process.stdout:
            self.process.stdout.close()


@dataclass
class Chain:
    """The folder, and what runs on it."""

    folder: Path
    variables: Mapping[str, str]
    """The environment of its programs: which servers, if any, which folder and which space."""
    address: str = ""
    factory: str = ""
    dataflow: Service | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @classmethod
    @contextmanager
    def started(
        cls,
        folder: Path,
        servers: Mapping[str, str],
        *api: str,
        ingest: tuple[str, ...] = (),
        data: Path | int = ORDERS,
        filled: bool = True,
    ) -> Iterator[Chain]:
        """A chain whose views hold all of the data; or, where it is not `filled`, nothing.

        `servers` is what `dev/services env` exports, empty for the embedded default; `api` and `ingest` are further
        settings of the two services; `data` is how many orders to generate, or a folder with data that are there.
        """
        space = f"web-{os.getpid()}-{next(_spaces)}" if servers else "main"
        variables = {**environment(), **servers, "EIP_STATE": str(folder / "state"), "EIP_SPACE": space}
        chain = cls(folder, variables)
        rules = folder / "rules.toml"
        rules.write_text(RULES)
        if isinstance(data, Path):
            chain.data.symlink_to(data)
        else:
            chain.run("generate", "--orders", str(data), "--seed", "7", "--out", str(chain.data))
        if filled:
            chain.run("replay", "fast", "--data", str(chain.data))
            if servers:  # without them, the command has written the views too
                chain.run("dataflow", "--workers", "1", "--until-caught-up")
        else:
            chain.run("space", "create")
        with chain._stack:
            words = ["--dataset", f"olist={chain.data}", "--rules", f"end_of_day={rules}"]
            chain.factory = chain._serve("ingest", *words, "--listen", "127.0.0.1:0", *ingest).address
            chain.start_dataflow()
            chain._stack.callback(chain.stop_dataflow)
            chain.address = chain._serve("api", "--listen", "127.0.0.1:0", "--ingest", chain.factory, *api).address
            yield chain

    def run(self, *words: str) -> None:
        """A command of `eip` on this chain."""
        ended = subprocess.run([binary(), *words], env={**self.variables}, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"eip {' '.join(words)}: {ended.stdout}{ended.stderr}"

    def _serve(self, *words: str) -> Service:
        service = Service.start(self.variables, *words)
        self._stack.callback(service.stop)
        return service

    def start_dataflow(self) -> None:
        self.dataflow = Service.start_silent(self.variables, "dataflow", "--workers", "1")

    def stop_dataflow(self) -> None:
        if self.dataflow:
            self.dataflow.stop()
        self.dataflow = None

    def get(self, path: str, token: str = "") -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urlopen(Request(self.address + path, headers=headers), timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: object, **headers: str) -> Any:  # noqa: ANN401 - JSON
        given = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        with urlopen(Request(self.address + path, json.dumps(body).encode(), given), timeout=30) as answer:
            return json.load(answer)

    def run_ends(self, run: str, space: str = "", token: str = "") -> dict[str, Any]:
        """Waits until a run has ended; returns it."""
        ends = time.monotonic() + PATIENCE_S
        path = f"/v1/runs/{run}" + (f"?space={quote(space)}" if space else "")
        while time.monotonic() < ends:
            try:
                answer: dict[str, Any] = self.get(path, token)
            except HTTPError as error:
                if error.code != 404:
                    raise
            else:
                if answer["state"] in {"committed", "rehearsed", "cancelled", "failed", "interrupted"}:
                    return answer
            time.sleep(0.2)
        message = f"run {run} did not end in {PATIENCE_S} s"
        raise AssertionError(message)

    def push(self, rows: Sequence[Mapping[str, object]], *, wait: bool = True) -> None:
        """Pushes rows to Ingest, past the API, and waits until the views hold them."""
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": f"rows-{time.time_ns()}"}
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path = f"{self.factory}/v1/rows?rules=default&as_of=2018-10-17T17:30:18Z&space={self.variables['EIP_SPACE']}"
        before = self.get("/v1/overview")["as_of"]["search_tick"]
        with urlopen(Request(path, body, headers), timeout=30) as answer:
            verdicts = [json.loads(line) for line in answer]
        assert verdicts[-1]["rejected"] == 0, verdicts
        if wait:
            self.get(f"/v1/overview?min_tick={before + 1}")

    def push_order(self, order: str, *, wait: bool = True) -> None:
        """Pushes an order from SP to RJ that is placed after all others and stays open."""
        placed = {"order_id": order, "customer_id": f"<b>c {order}", "order_status": "created"}
        placed["order_purchase_timestamp"] = "2018-08-30 10:00:00"
        later = ("approved_at", "delivered_carrier_date", "delivered_customer_date", "estimated_delivery_date")
        rows: list[tuple[str, Mapping[str, object]]] = [
            ("orders", {**placed, **{f"order_{name}": None for name in later}}),
            ("customers", {"customer_id": placed["customer_id"], "customer_state": "RJ"}),
            ("order_items", {"order_id": order, "order_item_id": 1, "seller_id": "pushed"}),
            ("sellers", {"seller_id": "pushed", "seller_state": "SP"}),
        ]
        self.push([{"file": file, "row": row} for file, row in rows], wait=wait)
