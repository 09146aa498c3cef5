"""Chains of small data on both backends, one browser, and a page that complains of errors when a test ends.

A test with the mark `both` runs on the embedded default and on servers that `dev/services` starts, any other on the
former alone. Chains are made once for all tests of a module, or of the session.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from chain import Chain, environment
from pages import Pages

SERVICES = Path(__file__).resolve().parents[2] / "services"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both: runs on the embedded default and on real servers")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both")
        names = ["embedded", "servers"] if both else ["embedded"]
        metafunc.parametrize("backend", names, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser or a binary there is nothing to test."""
    missing = None
    if not os.environ.get("EIP_BIN"):
        missing = "EIP_BIN names no binary"
    elif not shutil.which("chromium"):
        missing = "Chromium is not installed (dev/setup browser)"
    if missing:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    arguments = ["--disable-gpu"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Mapping[str, str]]:
    """What `dev/services env` exports of servers that live as long as the tests do."""
    folder = Path(tempfile.mkdtemp(prefix="eip-web-servers-"))
    folder.chmod(0o755)  # the servers' user must be able to enter it

    def services(word: str) -> str:
        line = [str(SERVICES), word, "--dir", str(folder)]
        ended = subprocess.run(line, capture_output=True, text=True, check=False, env=environment())
        assert ended.returncode == 0, f"dev/services {word}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    try:
        services("up")
        exported = dict(re.findall(r"export (EIP_\w+)=(\S+)", services("env")))
        yield {name: exported[name] for name in ("EIP_KAFKA", "EIP_ELASTICSEARCH", "EIP_POSTGRES", "EIP_REDIS")}
    finally:
        services("wipe")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """Which servers the chain of a test works on; none for the embedded default."""
    if request.param == "embedded":
        return {}
    variables: Mapping[str, str] = request.getfixturevalue("servers")
    return variables


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory, backend: Mapping[str, str]) -> Iterator[Chain]:
    """For tests that only look."""
    with Chain.started(tmp_path_factory.mktemp("chain"), backend) as chain:
        yield chain


@pytest.fixture
def pages(browser: Browser, chain: Chain) -> Iterator[Pages]:
    pages = Pages(browser, chain.address)
    yield pages
    pages.end()
