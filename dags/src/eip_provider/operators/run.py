"""Starts a run of Ingest, waits for its end, in the triggerer where that takes longer, and hands on its counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import TaskDeferred

from eip_provider.errors import RequestRefused, RunEnded, RunExcluded, RunInterrupted, ServiceUnavailable
from eip_provider.hook import EipIngestHook, run_path
from eip_provider.http import looks
from eip_provider.inputs import input_lines
from eip_provider.keys import key_for, key_prefix
from eip_provider.links import EipReceiptLink, EipRunLink
from eip_provider.requests import RunRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from eip_provider.runs import RunStatus

Part = Mapping[str, Any]
RequestOf = Callable[[Context, Part], RunRequest]

STAY = 4.0
"""Seconds for which a worker waits before it is left to others."""


class EipRunOperator(BaseOperator):
    """One run, from POST to its end. The POST is plain and idempotent; a run that takes longer is waited for deferred.

    A retry finds the run that an earlier try started; a Clear of a finished task starts a new one (see `keys`). Where
    another window or revert run is under way, its end is waited for. The run's links are there from the start.

    Args:
        request: makes the request from the task's context (its checked `params`) and from `part`.
        part: what distinguishes a mapped task; templated.
        note: Markdown about what will be done, shown with the rendered templates; templated.
        eip_conn_id: the connection to Ingest.
        if_killed: `cancel`: a person who fails or clears the task cancels its run; `detach`: the run goes on. A task
            that dies by itself leaves its run alone either way.
        stay: seconds for which the worker waits itself. Most corrections end within, sooner than Airflow would have
            put the task aside and taken it up again.
        patience: seconds for which an unreachable or unwell Ingest is waited for before the task is retried.
        poll_interval: greatest seconds between two looks at the run.
    """

    template_fields: Sequence[str] = ("part", "note")
    template_fields_renderers = {"part": "json", "note": "md"}  # noqa: RUF012 - as Airflow declares it
    operator_extra_links = (EipRunLink(), EipReceiptLink())
    ui_color = "#d7ecff"

    def __init__(  # noqa: PLR0913 - keyword arguments, most with a default
        self,
        *,
        request: RequestOf,
        part: Part | None = None,
        note: str | None = None,
        eip_conn_id: str = EipIngestHook.default_conn_name,
        if_killed: Literal["cancel", "detach"] = "cancel",
        stay: float = STAY,
        patience: float = 60.0,
        poll_interval: float = 3.0,
        **kwargs: Any,  # noqa: ANN401 - the base's
    ) -> None:
        super().__init__(**kwargs)
        self.request = request
        self.part = part
        self.note = note
        self.eip_conn_id = eip_conn_id
        self.if_killed = if_killed
        self.stay = stay
        self.patience = patience
        self.poll_interval = poll_interval
        self.run_page: tuple[str, str] | None = None
        self._started: tuple[str, str | None] | None = None

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - Airflow's signature
        """Starts the run, or finds it; then waits."""
        request = self.request(context, self.part or {})
        prefix, series, retry = task_series(context["ti"], self)
        hook = self._hook()
        key = key_for(prefix, series, hook.runs(request.space), retry=retry, resumes=request.resumes)
        try:
            status = hook.start(request, key, context["dag_run"].triggering_user_name)
        except RunExcluded as excluded:
            self.log.info("%s; waiting for run %s to end", excluded, excluded.winner)
            raise self._waiting(excluded.winner, request.space, "execute_after_another", cancel=False) from None
        self._started = (status.run_id, request.space)
        self._link(context, hook, status.run_id, request.space)
        self.log.info(status.progress())
        if not status.interrupted:  # one that is, Ingest has been asked to go on with
            for _ in looks(self.stay):
                if not status.ended:
                    status = hook.get_run(status.run_id, request.space)
                if status.ended:
                    return self._end(context, hook, status, request.space)
        raise self._waiting_for(status, request.space)

    def execute_after_another(self, context: Context, event: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The run that went first has ended, one way or another."""
        check_event(event)
        return self.execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The run has ended."""
        check_event(event)
        hook, space = self._hook(), event["space"]
        status = hook.get_run(event["run"], space)
        self._link(context, hook, status.run_id, space)
        if not status.ended:  # somebody else has it resumed meanwhile
            raise self._waiting_for(status, space)
        return self._end(context, hook, status, space)

    def finish(self, hook: EipIngestHook, status: RunStatus, space: str | None) -> dict[str, Any]:  # noqa: ARG002
        """What the task hands on of a run that succeeded."""
        return status.summary()

    def on_kill(self) -> None:
        """Airflow ends the task while it is in a worker."""
        if self._started and self.if_killed == "cancel":
            self._hook().cancel(*self._started)

    def _end(self, context: Context, hook: EipIngestHook, status: RunStatus, space: str | None) -> dict[str, Any]:
        self._started = None
        self.log.info(status.progress())
        self._show_input(hook, status, space)
        if status.interrupted:
            raise RunInterrupted(
                f"run {status.run_id} was interrupted after {status.emitted:,} events; a retry resumes it"
            )
        if not status.succeeded:
            raise RunEnded(status.failure() + _advice(status, context["params"]))
        return self.finish(hook, status, space)

    def _show_input(self, hook: EipIngestHook, status: RunStatus, space: str | None) -> None:
        page = f"{hook.page(run_path(status.run_id))}/rejects{f'?space={space}' if space else ''}"
        if lines := input_lines(status.input, f"GET {page}, or `eip runs`"):
            tell = self.log.warning if status.rejects or not status.succeeded else self.log.info
            tell("its input:\n%s", "\n".join(lines))

    def _hook(self) -> EipIngestHook:
        return EipIngestHook(self.eip_conn_id, patience=self.patience)

    def _waiting_for(self, status: RunStatus, space: str | None) -> TaskDeferred:
        return self._waiting(
            status.run_id,
            space,
            "execute_complete",
            cancel=self.if_killed == "cancel",
            after_attempt=status.attempt if status.interrupted else 0,
        )

    def _waiting(
        self, run_id: str, space: str | None, method_name: str, *, cancel: bool, after_attempt: int = 0
    ) -> TaskDeferred:
        from eip_provider.triggers import EipRunTrigger

        trigger = EipRunTrigger(
            self.eip_conn_id,
            run_id=run_id,
            space=space,
            after_attempt=after_attempt,
            cancel_on_kill=cancel,
            patience=self.patience,
            poll_interval=self.poll_interval,
        )
        self._started = None
        return TaskDeferred(trigger=trigger, method_name=method_name)

    def _link(self, context: Context, hook: EipIngestHook, run_id: str, space: str | None) -> None:
        self.run_page = (hook.page(run_path(run_id)), f"?space={space}" if space else "")
        for link in (EipRunLink(), EipReceiptLink()):
            url = link.get_link(self, ti_key=context["ti"])  # type: ignore[arg-type] # as Airflow itself calls it
            context["ti"].xcom_push(key=link.xcom_key, value=url)


def task_series(instance: RuntimeTaskInstanceProtocol, task: BaseOperator) -> tuple[str, int, bool]:
    """The prefix of a task's keys, the tries before its present series of retries, and whether this is a retry."""
    parts: list[str | int] = [instance.dag_id, instance.run_id, instance.task_id]
    if instance.map_index is not None and instance.map_index >= 0:
        parts.append(instance.map_index)
    before = max(0, instance.max_tries - (task.retries or 0))
    return key_prefix(*parts), before, instance.try_number > before + 1


def _advice(status: RunStatus, params: Mapping[str, Any]) -> str:
    """Which Params of this DAG are meant by the flags that Ingest's words name."""
    named = [flag.replace("-", "_") for flag in re.findall(r"--([a-z][a-z-]*)", status.error or "")]
    here = [name for name in dict.fromkeys(named) if name in params]
    return f"; in this form: {', '.join(here)}" if here else ""


def check_event(event: Mapping[str, Any]) -> None:
    """Turns a trigger's "no" into the failure that Airflow retries, or does not.

    Raises:
        ServiceUnavailable: nobody answered.
        RequestRefused: the answer was no.
    """
    if words := event.get("unavailable"):
        raise ServiceUnavailable(words)
    if words := event.get("refused"):
        raise RequestRefused(words)
