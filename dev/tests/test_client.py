"""A client that a public generator makes from the API's OpenAPI document: its types check, its calls are answered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from ops_api import TOKEN, served

# In environments of their own, as those who use them have them.
GENERATOR = "openapi-python-client==0.29.1"
NEEDED = ["httpx==0.28.1", "attrs==26.1.0", "python-dateutil==2.9.0.post0", "mypy==2.4.1"]
# Where the generator's own code is not as its types say: how a client is closed.
MYPY = """
[mypy]
strict = True
[mypy-client.client]
ignore_errors = True
"""
CALLS = '''
"""One call of each kind; the types are the generated ones."""

import datetime
import sys

from client import AuthenticatedClient
from client.api.default import (
    alive,
    export_shipments,
    lookup_shipments,
    metrics,
    overview,
    ready,
    route_matrix,
    route_over_time,
    route_stats,
    shipment,
    shipments,
    worst_routes,
)
from client.models import AnswerPage, LookupBody, Outcome, Problem

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)

is_alive = alive.sync(client=client)
assert is_alive and not isinstance(is_alive, Problem)
is_ready = ready.sync(client=client)
assert is_ready and not isinstance(is_ready, Problem)
tick = is_ready.progress.tick
assert tick > 0

page = shipments.sync(client=client, limit=5, delayed=False, facets=True, min_tick=tick)
assert isinstance(page, AnswerPage)
assert len(page.shipments) == 5 and page.next_
assert page.as_of.search_tick and page.as_of.search_tick >= tick
assert page.facets and sum(facet.count for facet in page.facets.status) == page.total.value
following = shipments.sync(client=client, limit=5, delayed=False, cursor=page.next_)
assert isinstance(following, AnswerPage)
first = page.shipments[0]
assert first.order_id not in [one.order_id for one in following.shipments]

one = shipment.sync(client=client, order_id=first.order_id)
assert one and not isinstance(one, Problem)
assert one.shipment == first and one.events[0].order_id == first.order_id
assert isinstance(one.events[0].event_at, datetime.datetime)

found = lookup_shipments.sync(client=client, body=LookupBody(ids=[first.order_id, "nothing"]))
assert found and not isinstance(found, Problem)
assert [result.outcome for result in found.results] == [Outcome.FOUND, Outcome.NOT_FOUND]

rows = export_shipments.sync(client=client, format_="ndjson", order_id=first.order_id)
assert isinstance(rows, str) and rows.count("\\n") == 1

stats = route_stats.sync(client=client, group="month", end=datetime.date(2100, 1, 1))
assert stats and not isinstance(stats, Problem)
summary = stats.summary.placed
assert summary == sum(row.placed for row in stats.rows)

worst = worst_routes.sync(client=client, min_delivered=1)
assert worst and not isinstance(worst, Problem)
matrix = route_matrix.sync(client=client)
assert matrix and not isinstance(matrix, Problem)
cell = matrix.cells[0]
series = route_over_time.sync(client=client, seller=cell.seller_region, customer=cell.customer_region, step="month")
assert series and not isinstance(series, Problem)
assert series.series

now = overview.sync_detailed(client=client)
assert now.parsed and not isinstance(now.parsed, Problem)
again = overview.sync_detailed(client=client, if_none_match=now.headers["etag"])
assert again.status_code == 304

refused = shipments.sync(client=client, sort="price")
assert isinstance(refused, Problem) and refused.status == 400 and refused.field == "sort"
figures = metrics.sync(client=client)
assert isinstance(figures, str) and "eip_api" in figures
'''


def test_a_generated_client_compiles_and_is_answered(tmp_path: Path) -> None:
    binary = os.environ.get("EIP_BIN")
    if not binary:
        pytest.skip("EIP_BIN names no binary")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "uv is part of the Python environment"
    document, calls = tmp_path / "openapi.json", tmp_path / "calls.py"
    calls.write_text(CALLS)
    (tmp_path / "mypy.ini").write_text(MYPY)
    run = [uv, "run", "--no-project", *(argument for package in NEEDED for argument in ("--with", package))]

    def checked(*line: str | Path) -> None:
        done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr

    with served(binary, tmp_path) as address:
        with urlopen(f"{address}/openapi.json", timeout=30) as answer:
            document.write_bytes(answer.read())
        generate = [uv, "tool", "run", "--from", GENERATOR, "openapi-python-client", "generate", "--fail-on-warning"]
        checked(*generate, "--path", document, "--output-path", tmp_path / "client", "--meta", "none")
        checked(*run, "mypy", "client", "calls.py")
        checked(*run, "python", "calls.py", address, TOKEN)
