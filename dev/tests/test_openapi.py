"""`eip ingest` and `eip api` under generated requests: whatever their OpenAPI documents allow, and what they do not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ops_api import TOKEN, TOKEN_SHA256, served

# In an environment of its own: what it depends on has nothing to do with what the DAGs depend on.
SCHEMATHESIS = "schemathesis==4.32.5"
# Which fields go together depends on the mode of a run: a schema's word is not enough for a request to be taken. And a
# run that is cancelled stays in the ledger.
LEFT_OUT = "positive_data_acceptance,use_after_free"
HOOKS = """
import json
import schemathesis

@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()

@schemathesis.hook
def before_call(context, case, kwargs):
    # A tick that never comes is waited for, and is then a 503.
    for values in (case.query, case.body):
        if isinstance(values, dict) and str(values.get("min_tick")).isdecimal():
            values["min_tick"] = 1
"""


def make_a_run(address: str) -> None:
    """Answers about runs show one, so that its schema is looked at."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "one", "Content-Type": "application/json"}
    body = json.dumps({"mode": "fast", "dataset": "small"}).encode()
    with urlopen(Request(f"{address}/v1/runs", body, headers), timeout=30) as answer:
        assert answer.status == 202


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A service with a small dataset, on a log of its own."""
    binary = os.environ.get("EIP_BIN")
    if not binary:
        pytest.skip("EIP_BIN names no binary")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}
    data, state = tmp_path / "data", tmp_path / "state"
    subprocess.run([binary, "generate", "--orders", "50", "--seed", "1", "--out", data], check=True, env=kept)
    line = [binary, "ingest", "--state", str(state), "--dataset", f"small={data}"]
    line += ["--token", f"fuzz:admin:{TOKEN_SHA256}"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=kept) as service:
        assert service.stdout
        address = service.stdout.readline().strip().removeprefix("listening on ")
        make_a_run(address)
        yield address
        service.terminate()
        assert service.wait(timeout=60) == 0


def check(address: str, folder: Path, *arguments: str) -> None:
    """Fails with what schemathesis prints when an answer is not as the document says."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "uv is part of the Python environment"
    line = [uv, "tool", "run", "--from", SCHEMATHESIS, "schemathesis", "run", f"{address}/openapi.json", *arguments]
    # Rows are lines, which its own serializers do not know.
    hooks = folder / "hooks.py"
    hooks.write_text(HOOKS)
    line += ["--exclude-checks", LEFT_OUT, "--seed", "1", "--continue-on-failure", "--no-color"]
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_generated_request_is_answered_with_a_server_error(address: str, tmp_path: Path) -> None:
    check(address, tmp_path, "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", "60")


def test_no_generated_request_to_the_api_is_either(tmp_path: Path) -> None:
    binary = os.environ.get("EIP_BIN")
    if not binary:
        pytest.skip("EIP_BIN names no binary")
    with served(binary, tmp_path) as address:
        # A stream has no end. What is passed on to Ingest was asked there.
        left_out = ["--exclude-path", "/v1/stream", "--exclude-tag", "Ingest"]
        bearer = ["--header", f"Authorization: Bearer {TOKEN}"]
        check(address, tmp_path, *left_out, *bearer, "--max-examples", "20")
