"""The DAGs on data that is not what anybody meant, against scripted services: red at once, with the reason in the log.

And what a person may let through, and no further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dag_runs import WINDOW, finished, ran, ready, write_dataset
from scripted_ingest import RUN_ID, Answer, accepted, checked, ended, problem, run, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

    from scripted_ingest import ScriptedIngest

pytestmark = pytest.mark.usefixtures("soon", "verifies")

ITEMS = "olist_order_items_dataset.csv"
ONE = {"file": ITEMS, "line": 2, "field": "order_item_id", "reason": "not_a_number", "value": "one"}
WORDS = (
    f"guard: stopped before the first record: 300 of 301 rows of the items (99.6 %) are rejected: {ITEMS} line 2: "
    'order_item_id "one" is not a whole number from 0 on; if that is meant, run again with --max-rejected 300'
)
INPUT = {
    "rejects": [{"table": "items", "file": ITEMS, "reason": "not_a_number", "rows": 300, "samples": [ONE]}],
    "tables": [{"table": "orders", "rows": 100, "rejected": 0}, {"table": "items", "rows": 301, "rejected": 300}],
    "joins": {"orders_without_customer": {"count": 50, "alike": 0, "samples": []}},
    "notes": ["the items have another delimiter"],
}
REJECTED = {"stop": "rejected", "table": "items", "rows": 301, "rejected": 300, "samples": [ONE]}
GUARD = {"vanishing": 1_200, "covered": 5_000, "retracted": 0, "facts": 9_000, "lost_regions": 70}
STOPPED = {"vanishing": True, "retracted": False, "lost_regions": True}


def rehearsed(**more: Any) -> Answer:  # noqa: ANN401
    plan = {"plan": "abc123", "guard": GUARD, "input": INPUT, "limits": {"max_vanishing": "2%"}}
    return Answer(200, run("rehearsed", orders_covered=5_000) | plan | more)


def report(**more: Any) -> Answer:  # noqa: ANN401
    losing = {"count": 70, "names": [f"order-{n}" for n in range(70)]}
    none = {"guard": None, "input_stop": None, "route_stats_daily": {"changed": 3}}
    return Answer(200, none | {"losing_regions": losing} | more)


def said(capfd: pytest.CaptureFixture[str]) -> str:
    return "".join(capfd.readouterr())


def test_a_run_that_rejected_too_much_is_red_with_rows_reason_and_param_in_the_log(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = ended("failed", error=WORDS, rows_rejected=300)
    ingest.answers = [accepted(), Answer(200, failed.body | {"input": INPUT})]
    ran(dags["replay_day"], "failed", max_rejected="2%")
    (post,) = ingest.posted()
    assert post.body["max_rejected"] == "2%"
    log = said(capfd)
    assert f"run {RUN_ID} failed: {WORDS}; 300 rows rejected; in this form: max_rejected" in log
    assert f"rejected: 300 rows of {ITEMS}: not a number" in log
    assert f'{ITEMS} line 2: order_item_id "one" not a number' in log
    assert f"and 299 more rejected rows: GET {ingest.url}/v1/runs/{RUN_ID}/rejects, or `eip runs`" in log
    assert "unmatched: 50 orders whose customer_id matches no customer" in log
    assert "note: the items have another delimiter" in log


def test_a_run_that_went_well_shows_its_rejects_too(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    ingest.answers = [accepted(), Answer(200, ended("committed", rows_rejected=300).body | {"input": INPUT})]
    ran(dags["scaled_replay"], "success", **WINDOW, space="peak", max_rejected="300")
    assert ingest.posted()[0].body["max_rejected"] == "300"
    assert f"/v1/runs/{RUN_ID}/rejects?space=peak, or `eip runs`" in said(capfd)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (checked("300 of 301 rows are\nrejected"), "DataUnusable: dataset olist: 300 of 301 rows are rejected"),
        (checked(error="unclosed quote"), "DataUnusable: dataset olist cannot be read: unclosed quote"),
    ],
)
def test_data_that_would_stop_every_run_starts_none(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str], check: Answer, words: str
) -> None:
    ingest.check = check
    ran(dags["fast_backfill"], "failed", delivery="reference", max_rejected="1%")
    (asked,) = ingest.asked
    assert asked.body == {"rules": "default", "max_rejected": "1%"}
    log = said(capfd)
    assert words in log
    assert "orders  5 rows" in log


def test_an_ingest_that_cannot_check_is_no_obstacle(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    ingest.check = problem(404, "Not Found", "there is nothing at this path")
    ingest.fixed["GET /v1/datasets"] = Answer(200, {"datasets": [{"name": "olist"}]})
    ingest.answers = [accepted(), ended("committed")]
    ran(dags["fast_backfill"], "success", delivery="reference")
    assert "this Ingest cannot check datasets" in said(capfd)


def test_an_approval_lets_the_rehearsed_figures_through_and_no_more(
    dags: dict[str, DAG], ingest: ScriptedIngest, api: ScriptedIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dags["window_backfill"].get_task("approve"), "execute", lambda context: {"chosen": "yes"})  # noqa: ARG005
    ingest.check = checked("300 of 301 rows are rejected")
    ingest.fixed[f"GET /v1/runs/{RUN_ID}/rehearsal"] = report(guard=STOPPED, input_stop=REJECTED)
    ingest.answers = [accepted(), rehearsed(), accepted(), finished()]
    api.answers = [ready(5, 7)]
    dag_run = ran(dags["window_backfill"], "success", **WINDOW, max_lost_regions="1.5%", trust_damaged_files=True)
    rehearsal, correction = ingest.posted()
    assert rehearsal.body["max_lost_regions"] == "1.5%"
    assert rehearsal.body["trust_damaged_files"] is correction.body["trust_damaged_files"] is True
    assert {name: limit for name, limit in correction.body.items() if name.startswith("max")} == {
        "max_vanishing": 1_200,
        "max_lost_regions": 70,
        "max_rejected": 300,
    }
    note = dag_run.get_task_instance("rehearse").xcom_pull(task_ids="rehearse")["note"]
    assert "**This input would stop the run**; who approves lets these rows be left out:" in note
    assert f'`300 of 301 rows of the items (99.6 %) are rejected: {ITEMS} line 2: order_item_id "one"' in note
    assert "**A guard would stop this run**: vanishing and lost regions." in note
    assert "| vanishing | 1,200 | 5,000 orders covered | more than 2% |" in note
    assert "| lost regions | 70 | 5,000 orders covered | more than 1 % and at least 10 |" in note
    assert "| rejected items | 300 | 301 rows | more than 5 % and at least 10 |" in note
    assert "- losing regions: 70 (`order-0`, " in note


def test_a_limit_of_the_form_goes_unchanged_where_nobody_is_asked(
    dags: dict[str, DAG], ingest: ScriptedIngest, api: ScriptedIngest
) -> None:
    ingest.fixed[f"GET /v1/runs/{RUN_ID}/rehearsal"] = report()
    ingest.answers = [accepted(), rehearsed(), accepted(), finished()]
    api.answers = [ready(5, 7)]
    ran(dags["window_backfill"], "success", **WINDOW, max_rejected="300", max_lost_regions="70")
    for post in ingest.posted():
        limits = {name: limit for name, limit in post.body.items() if name.startswith("max")}
        assert limits == {"max_rejected": "300", "max_lost_regions": "70"}
    assert ingest.checks()[0].body == {"rules": "default", "max_rejected": "300"}


def test_what_nobody_can_let_through_asks_nobody_and_fails_with_the_reason(
    dags: dict[str, DAG], ingest: ScriptedIngest, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = {"stop": "no_orders", "rows": 100, "sample": ONE}
    ingest.fixed[f"GET /v1/runs/{RUN_ID}/rehearsal"] = report(guard=STOPPED, input_stop=stop)
    words = "guard: stopped before the first record: none of the 100 rows of the orders is accepted"
    ingest.answers = [accepted(), rehearsed(), accepted(), ended("failed", error=words)]
    dag_run = ran(dags["window_backfill"], "failed", **WINDOW, approval="always")
    assert dag_run.get_task_instance("approve").state == "skipped"
    assert dag_run.get_task_instance("correct").state == "failed"
    log = said(capfd)
    assert "no approval lets it through" in log
    assert words in log


@pytest.fixture
def pushes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_dataset(tmp_path)
    extra = f'{{"datasets": {{"olist": "{tmp_path}"}}}}'
    monkeypatch.setenv("AIRFLOW_CONN_EIP_DATA", f'{{"conn_type": "fs", "extra": {extra}}}')
    return tmp_path


def test_a_push_that_rejected_everything_is_red_with_the_first_rows(
    dags: dict[str, DAG], ingest: ScriptedIngest, pushes: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pushes
    reject = {"line": 1, "file": "orders", "status": "rejected", "order_id": "a", "field": "order_status"}
    ingest.answers = [
        verdicts(
            reject | {"reason": "not_utf8"},
            {"line": 2, "file": "order_items", "status": "accepted"},
            {"run": RUN_ID, "state": "committed", "accepted": 1, "rejected": 1, "events": 0},
        )
    ]
    dag_run = ran(dags["fast_backfill"], "failed", max_rejected="100%")
    assert ingest.checks() == []
    assert dag_run.get_task_instance("check").state == "success"
    log = said(capfd)
    assert "RowsRejected: 2018-01: none of the 1 rows of the orders is accepted" in log
    assert 'line 1 (orders, order a), order_status "shipped": not utf8' in log


def test_a_push_is_judged_by_the_limit_of_the_form(
    dags: dict[str, DAG], ingest: ScriptedIngest, pushes: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pushes
    rows = [{"line": 1, "file": "orders", "status": "accepted"}]
    rows += [{"line": n, "file": "order_items", "status": "rejected", "reason": "empty"} for n in range(2, 12)]
    ingest.answers = [verdicts(*rows, {"run": RUN_ID, "state": "committed", "accepted": 1, "rejected": 10})]
    ran(dags["fast_backfill"], "failed", partition="year")
    assert "RowsRejected: 2018: 10 of 10 rows of the order_items (100.0 %) are rejected" in said(capfd)
    ran(dags["fast_backfill"], "success", partition="year", max_rejected="10")


@pytest.mark.parametrize(
    "harm",
    [
        ("orders", "", "the orders have no row that can be pushed"),
        ("orders", "a,c,shipped,3/1/2018 10:00,,,,\n", 'such as order_purchase_timestamp "3/1/2018 10:00" of order a'),
        ("order_items", "a\n" * 10, "10 of 10 rows of the order_items (100.0 %) are rejected"),
    ],
    ids=["none", "dates", "ragged"],
)
def test_rows_that_cannot_be_meant_are_not_pushed(
    dags: dict[str, DAG],
    ingest: ScriptedIngest,
    pushes: Path,
    capfd: pytest.CaptureFixture[str],
    harm: tuple[str, str, str],
) -> None:
    name, text, words = harm
    path = pushes / f"olist_{name}_dataset.csv"
    path.write_text(path.read_text().splitlines(keepends=True)[0] + text)
    ran(dags["fast_backfill"], "failed")
    assert ingest.posted() == []
    assert words in said(capfd)
