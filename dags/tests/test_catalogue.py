"""Laws of the names that forms propose: from a local file, never in the way, and never the last word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eip_provider import catalogue, forms
from eip_provider.catalogue import Catalogue, catalogue_path, known, main, write
from eip_provider.errors import RequestRefused
from eip_provider.hook import EipIngestHook
from places import DAGS_FOLDER
from scripted_ingest import Answer, ScriptedIngest, problem

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = Catalogue(datasets=("olist", "spring"), rules=("default", "end-of-day"))


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home" / "eip-catalogue.json"
    monkeypatch.setenv("EIP_CATALOGUE", str(path))
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # as the command sets it, for this test alone
    return path


def proposed() -> Catalogue:
    """What the forms of a DAG that is parsed now propose."""
    datasets, rules = forms.dataset().schema["examples"], forms.rules().schema["examples"]
    return Catalogue(datasets=tuple(datasets), rules=tuple(rules))


def test_what_is_written_is_proposed() -> None:
    write(NAMES)
    assert proposed() == NAMES


def test_without_a_file_a_form_proposes_its_default() -> None:
    assert known() == Catalogue()
    assert proposed() == Catalogue(datasets=("olist",), rules=("default",))


def folder(path: Path) -> None:
    path.mkdir()


def huge(path: Path) -> None:
    path.write_text(json.dumps({"datasets": ["x" * catalogue.LARGEST], "rules": []}))


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "spoil",
    [
        *[
            lambda path, text=text: path.write_bytes(text)
            for text in (
                b"",
                b"{",
                b"\xff\xfe",
                b"null",
                b"[]",
                b'"datasets"',
                b'{"datasets": ["spring"]}',
                b'{"datasets": 7, "rules": null}',
                b"[" * 100_000,
            )
        ],
        folder,
        huge,
        pipe,
    ],
)
def test_a_file_that_is_not_understood_is_none(file: Path, spoil: Callable[[Path], object]) -> None:
    file.parent.mkdir()
    spoil(file)
    assert proposed() == Catalogue(datasets=("olist",), rules=("default",))


def test_only_what_the_param_itself_takes_is_proposed(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"datasets": ["../etc", "spring", 7, "spring", null, "a b"], "rules": ["x.toml"]}')
    assert proposed() == Catalogue(datasets=("spring",), rules=("default",))


def test_a_changed_file_is_read_again() -> None:
    write(NAMES)
    assert proposed() == NAMES
    more = Catalogue(datasets=("olist", "summer"), rules=("default",))
    write(more)
    assert proposed() == more


def test_a_file_that_is_older_than_ingest_refuses_no_name() -> None:
    write(Catalogue(datasets=("gone",), rules=("gone",)))
    assert forms.dataset().resolve("added-since") == "added-since"
    assert forms.rules().resolve("added-since") == "added-since"
    assert forms.dataset().resolve() == "olist"


def test_a_dag_file_is_imported_with_the_names_and_asks_nobody(file: Path) -> None:
    write(NAMES)
    code = "import json, fast_backfill as f; print(json.dumps(f.fast_backfill().params.get_param('dataset').schema))"
    environment = os.environ | {
        "EIP_CATALOGUE": str(file),
        "PYTHONPATH": str(DAGS_FOLDER),
        "AIRFLOW_CONN_EIP_INGEST": "http://192.0.2.1:9",  # nobody would answer within the test's time
    }
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment, timeout=300
    )
    assert json.loads(done.stdout.splitlines()[-1])["examples"] == ["olist", "spring"]


def lists(ingest: ScriptedIngest) -> None:
    ingest.fixed["GET /v1/datasets"] = Answer(200, {"datasets": [{"name": "spring"}, {"name": "olist", "files": []}]})
    ingest.fixed["GET /v1/rules"] = Answer(200, {"rules": [{"name": "end-of-day"}, {"name": "default"}]})


def test_the_command_writes_what_ingest_says(
    ingest: ScriptedIngest, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists(ingest)
    assert main([]) == 0
    assert known() == NAMES
    assert [asked.path for asked in ingest.asked] == ["/v1/datasets", "/v1/rules"]
    assert capsys.readouterr().out == f"{file}: datasets olist, spring; rules default, end-of-day\n"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_without_an_answer_the_file_stays(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(NAMES)
    monkeypatch.setenv("AIRFLOW_CONN_EIP_INGEST", "http://127.0.0.1:9")
    assert main(["--patience", "0.1"]) == 1
    assert known() == NAMES
    said = capsys.readouterr().err
    assert str(file) in said
    assert "is left as it was" in said
    assert "ConnectError" in said


def test_a_refusal_is_told_in_ingests_words(
    ingest: ScriptedIngest, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest.fixed["GET /v1/datasets"] = problem(401, "Unauthorized", "this token has ended")
    assert main([]) == 1
    assert not file.exists()
    assert "Unauthorized: this token has ended" in capsys.readouterr().err


@pytest.mark.parametrize("answer", [[], {"datasets": None}, {"datasets": ["olist"]}, {"datasets": [{}]}])
def test_a_list_that_is_not_understood_is_refused(ingest: ScriptedIngest, answer: object) -> None:
    lists(ingest)
    ingest.fixed["GET /v1/datasets"] = Answer(200, answer)
    with pytest.raises(RequestRefused, match="list of datasets is not understood"):
        EipIngestHook().catalogue()


def test_the_file_lies_where_airflows_home_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EIP_CATALOGUE")
    monkeypatch.setenv("AIRFLOW_HOME", "/srv/airflow")
    assert catalogue_path() == Path("/srv/airflow/eip-catalogue.json")
    monkeypatch.delenv("AIRFLOW_HOME")
    assert catalogue_path() == Path("~/airflow/eip-catalogue.json")
