"""What the pages show is what the oracle says: an independent program that makes the views out of the same data.

It lies beside the project and may be missing. The real data are looked at where `EIP_OLIST` names them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, expect

from chain import ORDERS, Chain
from pages import Pages, figure, number, one_place, settled, state, tile

ORACLE = Path(__file__).resolve().parents[4] / "shared" / "oracle" / "oracle.py"
OLIST = os.environ.get("EIP_OLIST")
FIRST, END = "2018-03-01", "2018-04-01"

pytestmark = pytest.mark.skipif(not ORACLE.is_file(), reason=f"the oracle is not at {ORACLE}")


def run_oracle(*words: str | Path) -> str:
    ended = subprocess.run([sys.executable, ORACLE, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


class Views:
    """The oracle's views, as tables."""

    def __init__(self, folder: Path) -> None:
        self._database = duckdb.connect()
        self._database.execute("SET TimeZone = 'UTC'")
        for view in ("shipments", "shipment_events"):
            lines = f"read_json_auto('{folder / view}.ndjson', format = 'newline_delimited')"
            self._database.execute(f"CREATE TABLE {view} AS SELECT * FROM {lines}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._database.execute(sql).fetchall()

    def count(self, where: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM shipments WHERE {where}")[0][0])

    def on_time(self, where: str) -> str:
        """The share of deliveries in time, as a page shows it: rounded down to basis points, then to one place."""
        delivered = self.count(f"{where} AND deliveredAt IS NOT NULL")
        late = self.count(f"{where} AND lateSeconds > 0")
        return one_place((delivered - late) * 10_000 // delivered)


@pytest.fixture(scope="module", params=["generated", "real"])
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, backend: Mapping[str, str]
) -> Iterator[Chain]:
    """One of these tests' own, also with the real data."""
    if request.param == "real" and not OLIST:
        pytest.skip("the real Olist is not named: set EIP_OLIST to its folder")
    data = Path(str(OLIST)) if request.param == "real" else ORDERS
    with Chain.started(tmp_path_factory.mktemp("oracle"), backend, data=data) as chain:
        yield chain


@pytest.fixture(scope="module")
def views(chain: Chain) -> Views:
    run_oracle("events", "--data", chain.data, "--out", chain.folder / "events.ndjson")
    run_oracle("views", "--log", chain.folder / "events.ndjson", "--out", chain.folder / "views")
    return Views(chain.folder / "views")


def tiles(page: Page) -> dict[str, str]:
    return {name: tile(page, name) for name in ("open", "delivered", "late", "on-time", "at-risk", "stalled")}


def expected_tiles(views: Views, where: str = "true") -> dict[str, str]:
    """The tiles over all days, of the shipments that meet a condition."""
    latest = views.rows("SELECT CAST(max(eventAt) AS VARCHAR) FROM shipment_events")[0][0]
    now = f"TIMESTAMPTZ '{latest}'"
    soon = f"estimatedDeliveryAt >= {now} AND estimatedDeliveryAt < {now} + INTERVAL 48 HOUR"
    last = "greatest(placedAt, approvedAt, warehouseAssignedAt, handedToCarrierAt, delayedAt)"
    past = f"delayedAt IS NULL AND estimatedDeliveryAt < {now}"
    silent = f"{last} < {now} - INTERVAL 14 DAY"
    counts = {
        "open": "deliveredAt IS NULL",
        "delivered": "deliveredAt IS NOT NULL",
        "late": "lateSeconds > 0",
        "at-risk": f"deliveredAt IS NULL AND delayedAt IS NULL AND {soon}",
        "stalled": f"deliveredAt IS NULL AND (({past}) OR {silent})",
    }
    figures = {name: f"{views.count(f'({where}) AND {condition}'):,}" for name, condition in counts.items()}
    return {**figures, "on-time": views.on_time(f"({where})")}


@pytest.mark.both
def test_the_tiles_of_all_shipments_and_of_one_route(pages: Pages, views: Views) -> None:
    page = pages.open("/?range=all")
    assert tiles(page) == expected_tiles(views)
    page = pages.open("/?range=all&seller=SP&customer=RJ")
    assert tiles(page) == expected_tiles(views, "sellerRegion = 'SP' AND customerRegion = 'RJ'")


@pytest.mark.both
def test_one_day(pages: Pages, views: Views) -> None:
    sql = "SELECT CAST(deliveredAt AS DATE) FROM shipments WHERE lateSeconds > 0 GROUP BY 1 ORDER BY count(*) DESC, 1"
    day = str(views.rows(sql)[0][0])
    of_day = f"CAST(deliveredAt AS DATE) = DATE '{day}'"
    page = pages.open("/?range=all")
    page.locator(".area-days").get_by_role("button", name="Table").click()
    cells = page.locator(f'.area-days tr[data-day="{day}"] td').all_inner_texts()
    assert [number(cells[0]), number(cells[1])] == [views.count(of_day), views.count(f"{of_day} AND lateSeconds > 0")]
    assert cells[2] == views.on_time(of_day)
    page = pages.open(f"/?start={day}&end={date.fromisoformat(day) + timedelta(days=1)}")
    assert number(tile(page, "delivered")) == number(cells[0])
    assert number(tile(page, "late")) == number(cells[1])


@pytest.mark.both
def test_one_shipment(pages: Pages, views: Views) -> None:
    latest = "SELECT orderId, lateSeconds, leadTimeSeconds FROM shipments ORDER BY lateSeconds DESC NULLS LAST, 1"
    order, late, lead = views.rows(latest)[0]
    page = pages.open(f"/shipments/{order}")
    for field, seconds in (("late", late), ("lead", lead)):
        days, hours = divmod(seconds // 3_600, 24)
        assert page.locator(f'[data-field="{field}"]').inner_text() == f"{days} d" + (f" {hours} h" if hours else "")
    shown = [
        (str(row.get_attribute("data-event")), row.locator("td").first.inner_text())
        for row in page.locator("tr[data-event]").all()
    ]
    of_order = f"SELECT eventType, CAST(eventAt AS VARCHAR) FROM shipment_events WHERE orderId = '{order}'"
    assert sorted(shown) == sorted((kind, str(at)[:19]) for kind, at in views.rows(of_order))


@pytest.mark.both
def test_a_correction_before_it_is_applied_and_after(chain: Chain, pages: Pages, views: Views) -> None:
    after = chain.folder / "after"
    words = ("--new-rules", "promise=end_of_day", "--start", FIRST, "--end", END)
    said = run_oracle("window", "--data", chain.data, *words, "--out", after)
    covered = int(re.findall(r"orders covered (\d+)", said)[0])
    facts = re.findall(r"facts changed (\d+), added (\d+), retracted (\d+), same (\d+)", said)[0]
    rows = re.findall(r"route_stats_daily: rows added (\d+), removed (\d+), changed (\d+)", said)[0]

    page = pages.open(f"/replays?form=window&start={FIRST}&end={END}&rules=end_of_day")
    page.get_by_role("dialog").get_by_role("button", name="Rehearse").click()
    page.wait_for_url(re.compile("/replays/[0-9a-f]{16}$"))
    state(page, "rehearsed")
    settled(page)
    shown = [figure(page, name) for name in ("orders", "changed", "added", "retracted", "same")]
    assert shown == [covered, *map(int, facts)]
    expected = f"{int(rows[0]):,} added, {int(rows[2]):,} changed, {int(rows[1]):,} removed"
    expect(page.get_by_text(expected)).to_be_visible()

    of_march = f"deliveredAt >= TIMESTAMPTZ '{FIRST}' AND deliveredAt < TIMESTAMPTZ '{END}' AND lateSeconds > 0"
    corrected = Views(after)
    overview = pages.open(f"/?start={FIRST}&end={END}")
    late = overview.locator('[data-tile="late"] .tile-value')
    expect(late).to_have_text(f"{views.count(of_march):,}")
    page.get_by_role("button", name="Apply this correction").click()
    expect(late).to_have_text(f"{corrected.count(of_march):,}", timeout=120_000)
    assert tile(overview, "on-time") == corrected.on_time(of_march.removesuffix(" AND lateSeconds > 0"))
