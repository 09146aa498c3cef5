"""`make up` and `make down` with a stand-in for the binary: what is started, with what, and that all is stopped."""

import json
import re
import shlex
import sys
import urllib.request
from pathlib import Path

import pytest

from services import NAMES, Services, runs

PROGRAMS = ("ingest", "dataflow", "api")
STAND_IN = """#!{python}
import http.server, json, os, sys


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/livez", "/told") else 404)
        self.end_headers()
        told = {{name: value for name, value in os.environ.items() if name.startswith("EIP_")}}
        self.wfile.write(json.dumps([sys.argv[1:], told]).encode())


host, port = sys.argv[sys.argv.index("--listen") + 1].split(":")
http.server.ThreadingHTTPServer((host, int(port)), Answer).serve_forever()
"""


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "eip"
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(0o755)
    return path


def told(address: str) -> tuple[list[str], dict[str, str]]:
    with urllib.request.urlopen(f"{address}/told", timeout=10) as answer:
        words, variables = json.load(answer)
    return words, variables


def test_the_programs_run_on_the_servers_until_they_are_stopped(services: Services, binary: Path) -> None:
    try:
        text = services.do("app-up", binary=binary)
        table = {line.split()[0]: line.split() for line in text.splitlines()[1:8]}
        assert tuple(table) == (*NAMES, *PROGRAMS)
        assert {row[3] for row in table.values()} == {"up"}
        assert all(Path(row[4]).is_file() for row in table.values())
        for name in PROGRAMS:
            words, variables = told(table[name][1])
            assert words[0] == name
            assert services.environment().items() <= variables.items()
        assert told(table["dataflow"][1])[0][1:3] == ["--workers", "2"]
        tries = [line for line in text.splitlines() if line.startswith("  ")]
        assert len(tries) == 3
        assert all(shlex.split(line) for line in tries)
    finally:
        services.do("app-down", binary=binary)
    assert not any(runs(int(row[2])) for row in table.values())
    services.do("up")


def test_without_a_build_it_says_how_to_make_one(services: Services, tmp_path: Path) -> None:
    refused = services.run("app-up", binary=tmp_path / "missing")
    assert refused.returncode == 1
    assert re.search(r"no release build at .*/missing: .*make up", refused.stderr)


def test_a_program_that_ends_while_starting_is_named_with_its_words(services: Services, tmp_path: Path) -> None:
    binary = tmp_path / "eip"
    binary.write_text("#!/bin/sh\necho the topic was made anew >&2\nexit 1\n")
    binary.chmod(0o755)
    refused = services.run("app-up", binary=binary)
    assert refused.returncode == 1
    assert "ingest ended while starting" in refused.stderr
    assert "the topic was made anew" in refused.stderr
