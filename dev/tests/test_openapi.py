"""`eip ingest` under generated requests: whatever its OpenAPI document allows, and what it does not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# In an environment of its own: what it depends on has nothing to do with what the DAGs depend on.
SCHEMATHESIS = "schemathesis==4.32.5"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"
TOKEN = "eip_fuzz"  # noqa: S105
TOKEN_SHA256 = "47306338444dc0fbf0c674a6fa54cf03819af385ba02fcdd2d886f3c4a6253f6"  # noqa: S105


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A service with a small dataset, on a log of its own."""
    binary = os.environ.get("EIP_BIN")
    if not binary:
        pytest.skip("EIP_BIN names no binary")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}
    data, state = tmp_path / "data", tmp_path / "state"
    subprocess.run([binary, "generate", "--orders", "50", "--seed", "1", "--out", data], check=True, env=kept)
    line = [binary, "ingest", "--state", state, "--dataset", f"small={data}", "--token", f"fuzz:admin:{TOKEN_SHA256}"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=kept) as service:
        assert service.stdout
        yield service.stdout.readline().strip().removeprefix("listening on ")
        service.terminate()
        assert service.wait(timeout=60) == 0


def test_no_generated_request_is_answered_with_a_server_error(address: str, tmp_path: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "uv is part of the Python environment"
    line = [uv, "tool", "run", "--from", SCHEMATHESIS, "schemathesis", "run", f"{address}/openapi.json"]
    line += ["--header", f"Authorization: Bearer {TOKEN}", "--checks", CHECKS, "--seed", "1", "--max-examples", "60"]
    line += ["--continue-on-failure", "--no-color"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=500, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
