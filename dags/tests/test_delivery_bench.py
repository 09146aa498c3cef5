"""`bench/airflow_delivery.py` does what it says: both deliveries, the same facts, figures of both sides."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from eip_binary import needs_eip
from places import EIP, PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def bench(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROJECT / "bench" / "airflow_delivery.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@needs_eip
def test_both_deliveries_are_measured_on_the_same_facts() -> None:
    done = bench("--eip", EIP, "--orders", "300", "--repeat", "2", "--partition", "year")
    assert done.returncode == 0, done.stderr
    head, *_ = done.stdout.splitlines()
    assert re.fullmatch(r"1,[0-9]{3} events of \S+/data, [34] partitions by year, medians of 2:", head)
    figures = {
        name: [float(figure.replace(",", "")) for figure in cells.split("|")]
        for name, cells in re.findall(r"^\| (rows|reference|rows / reference) \| (.*) \|$", done.stdout, re.MULTILINE)
    }
    assert set(figures) == {"rows", "reference", "rows / reference"}
    assert all(len(each) == 4 for each in figures.values())
    for delivery in ("rows", "reference"):
        rate, tasks, ingest, both = figures[delivery]
        assert rate > 0
        assert both >= max(tasks, ingest) > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repeat", "0"], "--repeat and --orders are at least 1"),
        (["--data", "/nowhere"], "--data: /nowhere is no folder"),
        (["--eip", "/nowhere/eip"], "/nowhere/eip is no program"),
        (["--eip", "/bin/true", "--partition", "day"], "invalid choice: 'day'"),
    ],
)
def test_a_wrong_word_is_refused(words: list[str], said: str) -> None:
    done = bench(*words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_dataset_that_is_none_is_told(tmp_path: Path) -> None:
    done = bench("--eip", "/bin/true", "--data", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path}: olist_orders_dataset.csv is not in the dataset's folder" in done.stderr
