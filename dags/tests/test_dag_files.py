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

DAG_IDS = ["fast_backfill", "replay_day", "revert_run", "scaled_replay", "verify_views", "window_backfill"]

COST_OF_IMPORT = """
import sys, time, warnings
import airflow.sdk, airflow.sdk.definitions.decorators
from airflow.sdk import Param, dag, get_current_context, task  # what Airflow itself brings
import airflow.providers.standard.operators.hitl
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
    """Airflow parses the file again and again: CPU time is what counts, and nothing that waits may come along."""
    command = [sys.executable, "-c", COST_OF_IMPORT, str(DAGS_FOLDER), module]
    seconds, *modules = (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1].split()
    )
    assert not {"airflow.triggers.base", "eip_provider.triggers"} & set(modules)
    assert float(seconds) < 1.0


def test_a_dag_says_its_limits(dag: DAG) -> None:
    assert dag.catchup is False
    assert dag.max_active_runs == (4 if dag.dag_id == "scaled_replay" else 1)
    assert dag.dagrun_timeout is not None
    assert dag.doc_md
    assert dag.tags
    for task in dag.tasks:
        assert task.retries is not None
        assert task.retries >= 1
        assert task.execution_timeout is not None or task.task_id == "approve"
        assert task.owner != "airflow"


def test_every_param_has_a_schema_and_is_explained(dag: DAG) -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.schema["type"]
        assert param.schema["title"]
        assert param.description


def test_whatever_starts_runs_takes_a_slot_and_tells_who_waits_for_events(dag_bag: DagBag) -> None:
    for dag_id, task_ids in {
        "fast_backfill": ["check", "push_rows", "replay"],
        "window_backfill": ["check", "rehearse", "correct"],
        "revert_run": ["rehearse", "revert"],
        "replay_day": ["replay"],
    }.items():
        for task_id in task_ids:
            assert dag_bag.dags[dag_id].get_task(task_id).pool == "eip_ingest"
    updating = {dag_id for dag_id, dag in dag_bag.dags.items() for task in dag.tasks if task.outlets}
    assert updating == set(DAG_IDS) - {"verify_views"}


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("fast_backfill", "dataset", "../../etc"),
        ("fast_backfill", "dataset", "/data"),
        ("fast_backfill", "dataset", "http://elsewhere"),
        ("fast_backfill", "dataset", "$(id)"),
        ("fast_backfill", "dataset", "a b"),
        ("fast_backfill", "dataset", ""),
        ("fast_backfill", "dataset", None),
        ("fast_backfill", "dataset", 7),
        ("fast_backfill", "rules", "rules.toml"),
        ("fast_backfill", "rules", "`id`"),
        ("fast_backfill", "start", "2017-02-29"),
        ("fast_backfill", "start", "2018-3-1"),
        ("fast_backfill", "start", "2018-03-01T00:00:00Z"),
        ("fast_backfill", "start", "yesterday"),
        ("fast_backfill", "end", ""),
        ("fast_backfill", "end", 20180401),
        ("fast_backfill", "delivery", "carrier pigeon"),
        ("fast_backfill", "partition", "day"),
        ("fast_backfill", "as_of", "2018-10-17 17:30:18"),
        ("fast_backfill", "space", "a/b"),
        ("fast_backfill", "space", "x&y=1"),
        ("fast_backfill", "space", "x" * 31),
        ("fast_backfill", "mix", "yes"),
        ("fast_backfill", "max_rejected", "5 %"),
        ("fast_backfill", "max_rejected", "-1"),
        ("fast_backfill", "max_rejected", "101%"),
        ("fast_backfill", "max_rejected", 200),
        ("scaled_replay", "max_rejected", "many"),
        ("window_backfill", "max_lost_regions", "0.001%"),
        ("window_backfill", "trust_damaged_files", "yes"),
        ("window_backfill", "start_date", None),
        ("window_backfill", "end_date", "2017-02-29"),
        ("window_backfill", "emit", "some"),
        ("window_backfill", "approval", ""),
        ("revert_run", "run", "../0f3c9a5b7d1e24"),
        ("revert_run", "run", "0f3c"),
        ("revert_run", "force", 1),
        ("scaled_replay", "scale_factor", 0),
        ("scaled_replay", "scale_factor", -1),
        ("scaled_replay", "scale_factor", 1e18),
        ("scaled_replay", "scale_factor", "NaN"),
        ("scaled_replay", "duration", 0),
        ("scaled_replay", "amplify", 1.5),
        ("replay_day", "day", "2018-02-30"),
    ],
)
def test_a_param_that_does_not_fit_is_refused(dag_bag: DagBag, dag_id: str, name: str, value: Any) -> None:  # noqa: ANN401
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag_bag.dags[dag_id].params.get_param(name).resolve(value)


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("fast_backfill", "dataset", "olist-2018"),
        ("fast_backfill", "start", "2018-03-01"),
        ("fast_backfill", "end", None),
        ("fast_backfill", "as_of", "2018-10-17T17:30:18Z"),
        ("fast_backfill", "space", "peak-x100"),
        ("fast_backfill", "max_rejected", "200"),
        ("replay_day", "max_rejected", "0.5%"),
        ("window_backfill", "max_lost_regions", "100%"),
        ("revert_run", "run", "0f3c9a5b7d1e2468"),
        ("scaled_replay", "scale_factor", 1_000_000),
        ("scaled_replay", "scale_factor", 2.5),
        ("scaled_replay", "duration", None),
    ],
)
def test_what_fits_is_taken(dag_bag: DagBag, dag_id: str, name: str, value: Any) -> None:  # noqa: ANN401
    assert dag_bag.dags[dag_id].params.get_param(name).resolve(value) == value


def test_the_package_tells_airflow_what_is_in_it() -> None:
    import json
    from pathlib import Path

    import airflow
    from airflow.sdk._shared.module_loading import import_string

    from eip_provider.provider import get_provider_info

    info = get_provider_info()
    schema = json.loads((Path(airflow.__file__).parent / "provider.yaml.schema.json").read_text())
    known = set(schema["properties"])
    assert set(info) <= known
    named = [*info["extra-links"], *(entry["hook-class-name"] for entry in info["connection-types"])]
    modules = [name for part in ("hooks", "operators", "triggers") for name in info[part][0]["python-modules"]]
    assert all(map(import_string, named))
    assert all(map(__import__, modules))
