"""`eip ingest` under generated requests: whatever its OpenAPI document allows, and what it does not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

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
"""
TOKEN = "eip_fuzz"  # noqa: S105
TOKEN_SHA256 = "47306338444dc0fbf0c674a6fa54cf03819af385ba02fcdd2d886f3c4a6253f6"  # noqa: S105


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


def test_no_generated_request_is_answered_with_a_server_error(address: str, tmp_path: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "uv is part of the Python environment"
    line = [uv, "tool", "run", "--from", SCHEMATHESIS, "schemathesis", "run", f"{address}/openapi.json"]
    line += ["--header", f"Authorization: Bearer {TOKEN}", "--exclude-checks", LEFT_OUT]
    # Rows are lines, which its own serializers do not know.
    hooks = tmp_path / "hooks.py"
    hooks.write_text(HOOKS)
    line += ["--seed", "1", "--max-examples", "60", "--continue-on-failure", "--no-color"]
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
