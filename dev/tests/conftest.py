"""One set of servers for all tests that break or use them."""

from collections.abc import Iterator

import pytest

from services import Services, data_folder


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    with data_folder() as services:
        services.do("up")
        yield services
