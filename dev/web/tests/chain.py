"""A chain on the embedded default: generated data, Ingest, a dataflow and the API, in a folder of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
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
PATIENCE_S = 60.0


def environment() -> dict[str, str]:
    """Ours without the settings of another chain."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}


def binary() -> str:
    return os.environ["EIP_BIN"]


@dataclass
class Service:
    """A process of `eip` that serves, and where."""

    process: subprocess.Popen[str]
    address: str

    @classmethod
    def start(cls, *words: str) -> Service:
        """Starts one that prints where it listens."""
        process = subprocess.Popen([binary(), *words], stdout=subprocess.PIPE, text=True, env=environment())
        assert process.stdout
        first = process.stdout.readline().strip()
        return cls(process, first.removeprefix("listening on "))

    @classmethod
    def start_silent(cls, *words: str) -> Service:
        """Starts one that listens nowhere."""
        return cls(subprocess.Popen([binary(), *words], stdout=subprocess.DEVNULL, text=True, env=environment()), "")

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
    address: str = ""
    factory: str = ""
    dataflow: Service | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def state(self) -> str:
        return str(self.folder / "state")

    @classmethod
    @contextmanager
    def started(cls, folder: Path, *api: str, ingest: tuple[str, ...] = (), orders: int = ORDERS) -> Iterator[Chain]:
        """A chain whose views hold all of the data. `api` and `ingest`: further settings of the two services."""
        chain = cls(folder)
        data, rules = folder / "data", folder / "rules.toml"
        rules.write_text(RULES)
        subprocess.run(
            [binary(), "generate", "--orders", str(orders), "--seed", "7", "--out", str(data)],
            check=True,
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(
            [binary(), "replay", "fast", "--data", str(data), "--state", chain.state],
            check=True,
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        with chain._stack:
            words = ["--state", chain.state, "--dataset", f"olist={data}", "--rules", f"end_of_day={rules}"]
            chain.factory = chain._serve("ingest", *words, "--listen", "127.0.0.1:0", *ingest).address
            chain.start_dataflow()
            chain._stack.callback(chain.stop_dataflow)
            listen = ["--state", chain.state, "--listen", "127.0.0.1:0", "--ingest", chain.factory]
            chain.address = chain._serve("api", *listen, *api).address
            yield chain

    def _serve(self, *words: str) -> Service:
        service = Service.start(*words)
        self._stack.callback(service.stop)
        return service

    def start_dataflow(self) -> None:
        self.dataflow = Service.start_silent("dataflow", "--state", self.state, "--workers", "1")

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
        path = f"{self.factory}/v1/rows?rules=default&as_of=2018-10-17T17:30:18Z"
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
