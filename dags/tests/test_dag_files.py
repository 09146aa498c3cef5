"""Laws of every DAG file: it imports clean and cheaply, says its limits, and lets nothing odd in through its Params."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from places import DAGS_FOLDER

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

DAG_IDS = ["fast_backfill"]

COST_OF_IMPORT = """
import sys, time, warnings
import airflow.sdk, airflow.sdk.definitions.decorators
from airflow.sdk import Param, dag, get_current_context, task  # what Airflow itself brings
warnings.simplefilter("error")
sys.path.insert(0, sys.argv[1])
before, started = set(sys.modules), time.process_time()
__import__(sys.argv[2])
print(time.process_time() - started, *(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def dag_bag() -> DagBag:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(DAGS_FOLDER)


@pytest.fixture(params=DAG_IDS)
def dag(dag_bag: DagBag, request: pytest.FixtureRequest) -> DAG:
    found: DAG = dag_bag.dags[request.param]
    return found


def test_every_dag_file_imports_without_error_or_warning(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert dag_bag.captured_warnings == {}
    assert sorted(dag_bag.dags) == DAG_IDS


@pytest.mark.parametrize("module", DAG_IDS)
def test_importing_a_dag_file_is_cheap(module: str) -> None:
    """Airflow parses the file again and again: CPU time is what counts, and no HTTP client may come along."""
    command = [sys.executable, "-c", COST_OF_IMPORT, str(DAGS_FOLDER), module]
    seconds, *modules = (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1].split()
    )
    assert not {"httpx", "eip_provider.hook"} & set(modules)
    assert float(seconds) < 1.0


def test_a_dag_says_its_limits(dag: DAG) -> None:
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    assert dag.doc_md
    assert dag.tags
    for task in dag.tasks:
        assert task.retries is not None
        assert task.retries >= 1
        assert task.execution_timeout is not None
        assert task.owner != "airflow"


def test_every_param_has_a_schema_and_is_explained(dag: DAG) -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.schema["type"]
        assert param.schema["title"]
        assert param.description


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataset", "../../etc"),
        ("dataset", "/data"),
        ("dataset", "http://elsewhere"),
        ("dataset", "$(id)"),
        ("dataset", "a b"),
        ("dataset", ""),
        ("dataset", None),
        ("dataset", 7),
        ("rules", "rules.toml"),
        ("rules", "`id`"),
        ("start", "2017-02-29"),
        ("start", "2018-3-1"),
        ("start", "2018-03-01T00:00:00Z"),
        ("start", "yesterday"),
        ("end", ""),
        ("end", 20180401),
    ],
)
def test_a_param_that_is_no_name_or_date_is_refused(dag_bag: DagBag, name: str, value: Any) -> None:  # noqa: ANN401
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag_bag.dags["fast_backfill"].params.get_param(name).resolve(value)


@pytest.mark.parametrize(("name", "value"), [("dataset", "olist-2018"), ("start", "2018-03-01"), ("end", None)])
def test_names_and_dates_are_taken(dag_bag: DagBag, name: str, value: str | None) -> None:
    assert dag_bag.dags["fast_backfill"].params.get_param(name).resolve(value) == value
