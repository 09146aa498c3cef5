"""Laws of the triggers, against scripted services: what ends a wait, what is waited out, what a person's act does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk._shared.module_loading import import_string

from eip_provider import triggers
from eip_provider.triggers import EipRunTrigger, EipViewsTrigger
from scripted_ingest import RUN_ID, Answer, accepted, ended, problem, running

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from scripted_ingest import ScriptedIngest


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "SETTLING", 0.0)
    monkeypatch.setattr(triggers, "FIRST_PAUSE", 0.001)


def run_trigger(**arguments: Any) -> EipRunTrigger:  # noqa: ANN401
    given: dict[str, Any] = {"run_id": RUN_ID, "poll_interval": 0.01, "patience": 5.0}
    return EipRunTrigger("eip_ingest", **(given | arguments))


def views_trigger(*offsets: int) -> EipViewsTrigger:
    return EipViewsTrigger("eip_api", offsets=offsets, poll_interval=0.01, patience=5.0)


def fired(trigger: BaseTrigger) -> dict[str, Any]:
    async def first() -> dict[str, Any]:
        async for event in trigger.run():
            payload: dict[str, Any] = event.payload
            return payload
        raise AssertionError("it never fired")

    return asyncio.run(first())


@pytest.mark.parametrize(
    "trigger", [run_trigger(space="peak", after_attempt=2, cancel_on_kill=False), views_trigger(4, 7)]
)
def test_a_trigger_is_made_again_from_its_own_serialisation(trigger: BaseTrigger) -> None:
    path, arguments = trigger.serialize()
    again = import_string(path)(**arguments)
    assert type(again) is type(trigger)
    assert again.serialize() == (path, arguments)


def test_it_waits_for_the_runs_end(ingest: ScriptedIngest) -> None:
    ingest.answers = [running(1), running(4, total=10), ended("committed", events=10)]
    assert fired(run_trigger()) == {"run": RUN_ID, "space": None, "state": "committed"}
    assert [asked.method for asked in ingest.asked] == ["GET"] * 3


def test_progress_is_logged_as_it_advances(ingest: ScriptedIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    ingest.answers = [running(4, total=10), running(7, total=10), ended("committed", events=10)]
    trigger = run_trigger(log_every=0.0)
    monkeypatch.setattr(trigger.log, "info", lambda text, *values: lines.append(text % values if values else text))
    fired(trigger)
    assert lines[0] == f"run {RUN_ID}: running, 4 of 10 events (40 %), 0 rejects"
    assert lines[1] == f"run {RUN_ID}: running, 7 of 10 events (70 %), 0 rejects"
    assert lines[-1].startswith(f"run {RUN_ID}: committed, 10 events")


def test_an_outage_shorter_than_the_patience_is_waited_out(ingest: ScriptedIngest) -> None:
    ingest.answers = [problem(503, "not now", "restarting"), Answer(200, raw=b"<html>"), ended("committed")]
    assert fired(run_trigger())["state"] == "committed"


def test_a_longer_one_is_told(ingest: ScriptedIngest) -> None:
    ingest.answers = [problem(503, "not now", "restarting")]
    assert "not now: restarting" in fired(run_trigger(patience=0.05))["unavailable"]


def test_nobody_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", "http://127.0.0.1:9")
    assert "ConnectError" in fired(run_trigger(patience=0.05))["unavailable"]


def test_a_refusal_is_told_in_its_words(ingest: ScriptedIngest) -> None:
    ingest.answers = [problem(404, "Not Found", "no such run")]
    assert fired(run_trigger()) == {"refused": f"404 to GET /v1/runs/{RUN_ID}: Not Found: no such run"}


def test_the_interrupted_attempt_that_was_asked_to_resume_is_no_end(ingest: ScriptedIngest) -> None:
    old = ended("interrupted", attempt=1)
    ingest.answers = [old, old, running(6), ended("committed", attempt=2)]
    assert fired(run_trigger(after_attempt=1))["state"] == "committed"


def test_the_next_attempts_interruption_is_an_end(ingest: ScriptedIngest) -> None:
    ingest.answers = [ended("interrupted", attempt=1), ended("interrupted", attempt=2)]
    assert fired(run_trigger(after_attempt=1))["state"] == "interrupted"


def test_a_run_that_is_never_resumed_ends_with_the_patience(ingest: ScriptedIngest) -> None:
    ingest.answers = [ended("interrupted", attempt=1)]
    assert fired(run_trigger(after_attempt=1, patience=0.1))["state"] == "interrupted"


def test_a_person_who_ends_the_task_cancels_the_run_unless_it_is_detached(ingest: ScriptedIngest) -> None:
    ingest.answers = [accepted()]
    asyncio.run(run_trigger(space="peak").on_kill())
    asyncio.run(run_trigger(cancel_on_kill=False).on_kill())
    assert [(asked.method, asked.path) for asked in ingest.asked] == [("DELETE", f"/v1/runs/{RUN_ID}?space=peak")]


@pytest.mark.parametrize("run_id", ["../admin", "a/b", "a?b=1", ""])
def test_only_a_run_id_becomes_part_of_a_path(ingest: ScriptedIngest, run_id: str) -> None:
    with pytest.raises(ValueError, match="no run id"):
        fired(run_trigger(run_id=run_id))
    assert ingest.asked == []


def test_it_waits_until_the_views_hold_every_partition(api: ScriptedIngest) -> None:
    api.answers = [ready(0), problem(503, "Service Unavailable", "no views yet"), ready(9, 6), ready(4, 7)]
    assert fired(views_trigger(4, 7)) == {"visible": [4, 7]}
    assert len(api.asked) == 4


def ready(*offsets: int) -> Answer:
    return Answer(200, {"status": "ready", "progress": {"epoch": 1, "tick": 5, "offsets": list(offsets)}})
