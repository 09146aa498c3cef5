"""A stand-in for Ingest and the API that answers from a script, for what real ones cannot be made to do on command.

It keeps what it was asked, so that a test can look at the wire. The real ones are used in `test_arrow.py` and
`test_airflow.py`.
"""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_ID = "0f3c9a5b7d1e2468"


@dataclass(frozen=True)
class Asked:
    """One request as it came in; the body of pushed rows is the list of its lines."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """One scripted answer. `raw` replaces the JSON of `body`."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


def run(
    state: str,
    *,
    run: Any = RUN_ID,  # noqa: ANN401 - also what is no id
    attempt: int = 1,
    error: str | None = None,
    **counts: int,
) -> dict[str, Any]:
    """A run as Ingest shows it when it does nothing at the moment: what the ledger says."""
    return {
        "run": run,
        "kind": "fast",
        "state": state,
        "attempt": attempt,
        "counts": counts,
        "error": error,
        "progress": None,
    }


def running(records: int, total: int | None = None, rejects: int = 0) -> Answer:
    """The answer to a GET while Ingest is at the run."""
    progress = {"phase": "writing", "records": records, "total": total, "event_time": None, "rejects": rejects}
    return Answer(200, run("running") | {"progress": progress})


def ended(state: str, *, attempt: int = 1, error: str | None = None, **counts: int) -> Answer:
    """The answer to a GET after the end of an attempt."""
    return Answer(200, run(state, attempt=attempt, error=error, **counts))


def accepted() -> Answer:
    """The answer to a POST that started a run."""
    return Answer(202, run("requested"), {"Location": f"/v1/runs/{RUN_ID}"})


def problem(status: int, title: str, detail: str, **more: str) -> Answer:
    """An error in the form of RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | more
    return Answer(status, body, {"Content-Type": "application/problem+json"})


def checked(*stops: str, error: str | None = None, **more: Any) -> Answer:  # noqa: ANN401
    """The answer to a check of a dataset; without a word it is well."""
    body = {"dataset": "olist", "error": error, "stops": list(stops), "orders": 5, "rows_rejected": 0}
    return Answer(200, body | {"text": "orders  5 rows", "report": {}, "dataset_toml": None} | more)


def verdicts(*lines: Mapping[str, Any]) -> Answer:
    """The answer to pushed rows."""
    return Answer(200, raw="".join(json.dumps(line) + "\n" for line in lines).encode())


def is_check(path: str) -> bool:
    """Whether a path is that of a dataset's check."""
    return path.startswith("/v1/datasets/") and path.endswith("/check")


class ScriptedIngest:
    """Serves `answers` one after another, the last one for ever; with `serve_at_once=False` refuses until `serve()`.

    What has an entry in `fixed` (method and path without query) is always answered from there: the list of runs is
    empty, no rehearsal is known and every dataset that is checked is well, unless a test says otherwise.
    """

    def __init__(self, *, serve_at_once: bool = True) -> None:
        self.answers: list[Answer] = []
        self.fixed: dict[str, Answer] = {
            "GET /v1/runs": Answer(200, {"runs": []}),
            f"GET /v1/runs/{RUN_ID}/rehearsal": problem(404, "Not Found", "no rehearsal"),
        }
        self.check = checked()
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(), bind_and_activate=False)
        self._server.server_bind()
        self._serve_at_once = serve_at_once
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def lists(self, *runs: dict[str, Any]) -> None:
        """What the list of runs has from now on."""
        self.fixed["GET /v1/runs"] = Answer(200, {"runs": list(runs)})

    def posted(self) -> list[Asked]:
        """The POSTs among what was asked, without those of checks."""
        return [asked for asked in self.asked if asked.method == "POST" and not is_check(asked.path)]

    def checks(self) -> list[Asked]:
        """What datasets were checked."""
        return [asked for asked in self.asked if is_check(asked.path)]

    def serve(self) -> None:
        """Listens, and answers from a thread of its own."""
        self._server.server_activate()
        self._thread.start()

    def __enter__(self) -> Self:
        if self._serve_at_once:
            self.serve()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _next(self, method: str, path: str) -> Answer:
        fixed = self.fixed.get(f"{method} {path.partition('?')[0]}") or (self.check if is_check(path) else None)
        if fixed:
            return fixed
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def do_DELETE(self) -> None:
                self.answer()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                script.asked.append(Asked(self.command, self.path, dict(self.headers), self.content(body)))
                answer = script._next(self.command, self.path)
                content = json.dumps(answer.body).encode() if answer.raw is None else answer.raw
                self.send_response(answer.status)
                for name, value in ({"Content-Type": "application/json"} | dict(answer.headers)).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def content(self, body: bytes) -> Any:  # noqa: ANN401
                if self.headers.get("Content-Encoding") == "gzip":
                    return [json.loads(line) for line in gzip.decompress(body).splitlines()]
                return json.loads(body) if body else None

            def log_message(self, *_: object) -> None:
                """Says nothing: the test looks at `asked`."""

        return Handler
