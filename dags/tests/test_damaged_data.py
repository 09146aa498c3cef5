"""A day is replayed from damaged data, with a real Ingest: red, with the reason in the log, and no view has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_chain import digests
from dag_runs import ran
from eip_binary import eip, eip_server, needs_eip
from eip_provider.hook import EipIngestHook
from eip_provider.requests import FastRun
from harm import HALF_THE_CUSTOMERS, OTHER_DATES, SPOILT_ITEMS, Harm, busiest_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.sdk import DAG

pytestmark = needs_eip


@dataclass(frozen=True)
class Filled:
    """An Ingest that has read all of its dataset into the log, and what the views are then."""

    url: str
    data: Path
    state: Path
    day: str
    before: list[str]

    def digests(self) -> list[str]:
        """Of the views, when they hold the whole log."""
        return views(self.state)


def views(state: Path) -> list[str]:
    eip("dataflow", "--state", state, "--until-caught-up")
    return digests(state, "main", state.parent / "exported")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("damaged")
    data, state = folder / "data", folder / "state"
    eip("generate", "--orders", "3000", "--seed", "8", "--out", data)
    with (
        eip_server(folder, "ingest", "--state", state, "--dataset", f"olist={data}") as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AIRFLOW_CONN_EIP_INGEST", url)
        hook = EipIngestHook()
        run = hook.start(FastRun(dataset="olist"), "all of it")
        while not run.ended:
            time.sleep(0.05)
            run = hook.get_run(run.run_id)
        assert run.succeeded, run.failure()
        yield Filled(url, data, state, busiest_day(data), views(state))


@pytest.fixture
def filled(service: Filled, monkeypatch: pytest.MonkeyPatch) -> Filled:
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", service.url)
    return service


@pytest.mark.parametrize(
    "harm", [SPOILT_ITEMS, HALF_THE_CUSTOMERS, OTHER_DATES], ids=["spoilt items", "half the customers", "other dates"]
)
def test_a_day_of_damaged_data_is_red_with_the_reason_and_changes_no_view(
    filled: Filled, dags: dict[str, DAG], capfd: pytest.CaptureFixture[str], harm: Harm
) -> None:
    with harm.done_to(filled.data):
        dag_run = ran(dags["replay_day"], "failed", day=filled.day)
    assert dag_run.get_task_instance("replay").state == "failed"
    log = "".join(capfd.readouterr())
    assert [words for words in harm.words if words not in log] == []
    assert filled.digests() == filled.before


def test_a_limit_of_the_form_lets_a_day_through_without_its_rejected_rows(
    filled: Filled, dags: dict[str, DAG], capfd: pytest.CaptureFixture[str]
) -> None:
    """Their orders are left as they are, so that here no view changes either."""
    some_items = Harm("order_items", lambda number, row: row | ({} if number % 10 else {"order_item_id": "one"}), ())
    conf: dict[str, Any] = {"day": filled.day}
    with some_items.done_to(filled.data):
        ran(dags["replay_day"], "failed", **conf)
        log = "".join(capfd.readouterr())
        assert "%) are rejected: " in log
        assert "; in this form: max_rejected" in log
        ran(dags["replay_day"], "success", **conf, max_rejected="20%")
    assert "more rejected rows: GET " in "".join(capfd.readouterr())
    assert filled.digests() == filled.before


def test_a_backfill_of_damaged_data_does_not_begin(filled: Filled, dags: dict[str, DAG]) -> None:
    with SPOILT_ITEMS.done_to(filled.data):
        dag_run = ran(dags["fast_backfill"], "failed", delivery="reference", mix=True)
    assert dag_run.get_task_instance("check").state == "failed"
    assert filled.digests() == filled.before
