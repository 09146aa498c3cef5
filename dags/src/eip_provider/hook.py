"""Ingest over HTTP: start a run or find it, look at it, cancel it, read its rehearsal, push rows, learn its names.

Parameters of a DAG run travel in the JSON body, or as checked and encoded query values; the URL is the connection's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eip_provider.catalogue import Catalogue
from eip_provider.checks import DataCheck
from eip_provider.errors import RequestRefused, RunExcluded, ServiceUnavailable
from eip_provider.http import Ask, EipHttpHook, json_of
from eip_provider.keys import asked_by
from eip_provider.rows import RowsAnswer
from eip_provider.runs import RUN_ID, RunStatus, problem_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from eip_provider.requests import DataCheckRequest, RowsRequest, RunRequest

CONFLICT = 409
NOT_FOUND = 404
NO_SUCH_METHOD = 405


class EipIngestHook(EipHttpHook):
    """Talks to one Ingest."""

    conn_name_attr = "eip_conn_id"
    default_conn_name = "eip_ingest"
    conn_type = "eip"
    hook_name = "EIP Ingest"
    service = "ingest"

    def __init__(self, eip_conn_id: str = default_conn_name, **options: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(eip_conn_id, **options)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The form of a connection shows what is used, by its meaning."""
        return {
            "hidden_fields": ["login"],
            "relabeling": {"password": "Bearer token", "schema": "Scheme (http or https)"},
            "placeholders": {"host": "ingest.internal", "port": "8080", "extra": '{"public_url": "https://…"}'},
        }

    def start(self, request: RunRequest, idempotency_key: str, requester: str | None = None) -> RunStatus:
        """Starts the run, or finds the one that the key started before.

        Args:
            request: what is asked for.
            idempotency_key: names the run; see `keys`.
            requester: who triggered it, for Ingest's ledger; None is Airflow itself.

        Raises:
            ServiceUnavailable: try again with the same key.
            RunExcluded: another run goes first.
            RequestRefused: trying again gives the same.
        """
        headers = {"Idempotency-Key": idempotency_key} | asked_by(requester, idempotency_key)
        post = Ask("POST", "/v1/runs", json=request.body(), headers=headers)
        answer = self.send(post)
        if answer.status_code == CONFLICT:
            problem = json_of(answer)
            winner = problem.get("run") if isinstance(problem, dict) else None
            excluded = isinstance(winner, str) and RUN_ID.fullmatch(winner)
            if excluded and not request.resumes:
                raise RunExcluded(problem_text(problem, answer.reason_phrase), str(winner))
        return self._run(post, answer)

    def runs(self, space: str | None = None) -> list[RunStatus]:
        """All runs of a space, in the order in which they were first asked for; none where there is no such space.

        The first run of a space makes it.
        """
        get = Ask("GET", "/v1/runs", query=_in(space))
        answer = self.send(get)
        if answer.status_code == NOT_FOUND and space:
            return []
        if not answer.is_success:
            raise self.refusal(get, answer)
        try:
            return [RunStatus.from_json(run) for run in json_of(answer)["runs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise RequestRefused(f"ingest's list of runs is not understood: {error}") from error

    def get_run(self, run_id: str, space: str | None = None) -> RunStatus:
        """The run as it is now."""
        get = Ask("GET", run_path(run_id), query=_in(space))
        return self._run(get, self.send(get))

    def cancel(self, run_id: str, space: str | None = None) -> None:
        """Asks the run to stop; one that has ended already is left as it is."""
        delete = Ask("DELETE", run_path(run_id), query=_in(space))
        answer = self.send(delete)
        if not answer.is_success and answer.status_code != CONFLICT:
            raise self.refusal(delete, answer)

    def rehearsal(self, run_id: str, space: str | None = None) -> Mapping[str, Any] | None:
        """What a rehearsed run would do, or None where Ingest has only the ledger's figures of it any more."""
        get = Ask("GET", f"{run_path(run_id)}/rehearsal", query=_in(space))
        answer = self.send(get)
        if answer.status_code == NOT_FOUND:
            return None
        report = json_of(answer) if answer.is_success else None
        if not isinstance(report, dict):
            raise self.refusal(get, answer)
        return report

    def push_rows(self, request: RowsRequest, lines: bytes, key: str, requester: str | None = None) -> RowsAnswer:
        """Pushes gzipped NDJSON lines; returns once the log has acknowledged their events.

        Raises:
            ServiceUnavailable: no whole answer; the same key again is harmless.
            RequestRefused: trying again gives the same.
        """
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "Idempotency-Key": key}
        post = Ask("POST", "/v1/rows", query=request.query(), content=lines, headers=headers | asked_by(requester, key))
        answer = self._well(post)
        try:
            return RowsAnswer.from_ndjson(answer.text, lines)
        except ValueError as error:
            raise ServiceUnavailable(f"ingest's answer to pushed rows is not whole: {error}") from error

    def check_dataset(self, request: DataCheckRequest, timeout: float) -> DataCheck | None:
        """Has a dataset read, without a run; None where this Ingest is too old to do so.

        Args:
            request: what is read, and how.
            timeout: seconds that it may take.

        Raises:
            ServiceUnavailable: no answer, or another check is under way.
            RequestRefused: there is no such dataset, or no such rules.
        """
        post = Ask("POST", request.path(), json=request.body(), timeout=timeout)
        answer = self.send(post)
        if answer.status_code in (NOT_FOUND, NO_SUCH_METHOD):
            names = self._names("datasets")
            if request.dataset in names:
                return None
            raise RequestRefused(
                f"ingest answered {answer.status_code} to POST {post.path}: no dataset {request.dataset!r}; there are: "
                f"{', '.join(names) or 'none'}"
            )
        if not answer.is_success:
            raise self.refusal(post, answer)
        try:
            return DataCheck.from_json(json_of(answer))
        except ValueError as error:
            raise RequestRefused(f"ingest's answer to POST {post.path} is not understood: {error}") from error

    def catalogue(self) -> Catalogue:
        """The names of datasets and rules that runs may name."""
        return Catalogue(datasets=self._names("datasets"), rules=self._names("rules"))

    def _names(self, what: str) -> tuple[str, ...]:
        answer = json_of(self._well(Ask("GET", f"/v1/{what}")))
        try:
            return tuple(sorted(str(one["name"]) for one in answer[what]))
        except (KeyError, TypeError) as error:
            raise RequestRefused(f"ingest's list of {what} is not understood: {error}") from error

    def _well(self, ask: Ask) -> httpx.Response:
        answer = self.send(ask)
        if not answer.is_success:
            raise self.refusal(ask, answer)
        return answer

    def _run(self, ask: Ask, answer: httpx.Response) -> RunStatus:
        if not answer.is_success:
            raise self.refusal(ask, answer)
        try:
            return RunStatus.from_json(json_of(answer))
        except ValueError as error:
            raise RequestRefused(f"ingest's answer to {ask.method} {ask.path} is not understood: {error}") from error


def run_path(run_id: str) -> str:
    """The path of a run.

    Raises:
        ValueError: it is no run's id.
    """
    if not RUN_ID.fullmatch(run_id):
        raise ValueError(f"{run_id!r} is no run id")
    return f"/v1/runs/{run_id}"


def _in(space: str | None) -> dict[str, str]:
    return {"space": space} if space else {}
