"""Gives every test session its own Airflow home, before anything imports Airflow; the session's end removes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from places import DAGS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

    from scripted_ingest import ScriptedIngest

pytest_plugins = ["airflow_chain"]

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="eip-airflow-"))

for name in [name for name in os.environ if name.startswith("AIRFLOW") or name == "EIP_CATALOGUE"]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a running Airflow comes last: it is started once, and nothing else shares the machine with it."""
    items.sort(key=lambda item: "airflow" in getattr(item, "fixturenames", ()))


def pytest_unconfigure() -> None:
    """Removes the home, whatever the tests did."""
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Makes the SQLite database that `dag.test()` writes to."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=300)


@pytest.fixture
def dags(airflow_database: None) -> dict[str, DAG]:  # noqa: ARG001 - asked for so that it is there
    """All DAGs, each test's own: `dag.test()` leaves its conf in a DAG."""
    from loaded_dags import load_dags

    return load_dags()


@pytest.fixture
def ingest(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedIngest]:
    """A scripted Ingest on a free port of the loopback; the connection `eip_ingest` points to it."""
    from scripted_ingest import ScriptedIngest

    with ScriptedIngest() as server:
        monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", server.url)
        yield server


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedIngest]:
    """A scripted API; the connection `eip_api` points to it."""
    from scripted_ingest import ScriptedIngest

    with ScriptedIngest() as server:
        monkeypatch.setenv("AIRFLOW_CONN_EIP_API", server.url)
        yield server


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triggers look at once: here no scheduler could take them for dead."""
    monkeypatch.setattr("eip_provider.triggers.SETTLING", 0.0)


@pytest.fixture
def verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `eip verify` that keeps its arguments and is content."""
    program, kept = tmp_path / "eip", tmp_path / "arguments"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {kept}\necho equal\n')
    program.chmod(0o755)
    monkeypatch.setenv("EIP_BIN", str(program))
    return kept
