"""One chain of small data, one browser, and a page that complains of errors when a test ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from chain import Chain
from pages import Pages


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
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with Chain.started(tmp_path_factory.mktemp("chain")) as chain:
        yield chain


@pytest.fixture
def pages(browser: Browser, chain: Chain) -> Iterator[Pages]:
    pages = Pages(browser, chain.address)
    yield pages
    pages.end()
