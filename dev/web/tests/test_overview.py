"""The overview: its figures are the API's and those of SQL over the exported views, and whatever is clicked filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
from playwright.sync_api import expect

from chain import Chain
from pages import Pages, number, one_place, settled, shots, tile

ALL = "/?range=all"


@pytest.fixture(scope="module")
def exported(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The views as files, and nothing of ours between them and the figures."""
    folder = tmp_path_factory.mktemp("export")
    chain.run("export", "--out", str(folder))
    database = duckdb.connect()
    path = Path(folder) / "shipments.ndjson"
    database.execute(f"CREATE TABLE shipments AS SELECT * FROM read_json_auto('{path}', format = 'newline_delimited')")
    return database


def one(database: duckdb.DuckDBPyConnection, sql: str) -> Any:  # noqa: ANN401 - a column of any type
    row = database.execute(sql).fetchone()
    assert row
    return row[0]


@pytest.mark.both
def test_tiles_are_the_apis_figures_and_the_exports(
    chain: Chain, pages: Pages, exported: duckdb.DuckDBPyConnection
) -> None:
    page = pages.open(ALL)
    overview = chain.get("/v1/overview")
    stats = chain.get("/v1/routes/stats?group=month&limit=1")["summary"]
    open_now = one(exported, "SELECT count(*) FROM shipments WHERE deliveredAt IS NULL")
    delivered = one(exported, "SELECT count(*) FROM shipments WHERE deliveredAt IS NOT NULL")
    late = one(exported, "SELECT count(*) FROM shipments WHERE lateSeconds > 0")
    assert number(tile(page, "open")) == open_now
    assert number(tile(page, "delivered")) == delivered == stats["delivered"]
    assert number(tile(page, "late")) == late == stats["delivered_late"]
    assert number(tile(page, "at-risk")) == overview["at_risk"]
    assert number(tile(page, "stalled")) == overview["stalled"]
    assert number(tile(page, "quiet")) == overview["quiet"]
    for name in ("at-risk", "stalled", "quiet"):
        expect(page.locator(f'[data-tile="{name}"] .spark')).to_be_visible()
    assert tile(page, "on-time") == one_place((delivered - late) * 10_000 // delivered)


def test_a_route_and_a_day_are_those_of_the_export(pages: Pages, exported: duckdb.DuckDBPyConnection) -> None:
    page = pages.open(ALL)
    row = page.locator(".area-worst tbody tr").first
    seller, customer = str(row.get_attribute("data-route")).split("-")
    where = f"sellerRegion = '{seller}' AND customerRegion = '{customer}' AND deliveredAt IS NOT NULL"
    delivered = one(exported, f"SELECT count(*) FROM shipments WHERE {where}")
    late = one(exported, f"SELECT count(*) FROM shipments WHERE {where} AND lateSeconds > 0")
    assert number(row.locator("td").last.inner_text()) == delivered
    assert row.locator("td").first.inner_text() == one_place(late * 10_000 // delivered)
    page.locator(".area-days").get_by_role("button", name="Table").click()
    day = page.locator(".area-days tbody tr").nth(30)
    date = day.get_attribute("data-day")
    of_day = f"SELECT count(*) FROM shipments WHERE CAST(deliveredAt AS VARCHAR) LIKE '{date}%'"
    assert number(day.locator("td").nth(0).inner_text()) == one(exported, of_day)
    assert number(day.locator("td").nth(1).inner_text()) == one(exported, of_day + " AND lateSeconds > 0")


def test_the_table_of_routes_has_counts_and_lead_times(pages: Pages, exported: duckdb.DuckDBPyConnection) -> None:
    page = pages.open(ALL)
    page.locator(".area-matrix").get_by_role("button", name="Table").click()
    row = page.locator(".area-matrix tbody tr").first
    seller, customer = str(row.get_attribute("data-route")).split("-")
    where = f"sellerRegion = '{seller}' AND customerRegion = '{customer}' AND deliveredAt IS NOT NULL"
    assert number(row.locator("td").nth(1).inner_text()) == one(
        exported, f"SELECT count(*) FROM shipments WHERE {where}"
    )
    late = one(exported, f"SELECT count(*) FROM shipments WHERE {where} AND lateSeconds > 0")
    assert number(row.locator("td").nth(2).inner_text()) == late
    assert row.locator("td").nth(3).inner_text() != "–"
    assert row.locator("td").nth(4).inner_text() == "–", "the range has more than one day"


@pytest.mark.both
def test_a_state_of_the_map_filters_the_rest_and_back_lets_it_go(chain: Chain, pages: Pages) -> None:
    page = pages.open(ALL)
    whole = number(tile(page, "delivered"))
    page.locator('.map [data-code="MG"]').click()
    expect(page).to_have_url(f"{pages.address}/?range=all&customer=MG")
    settled(page)
    own = chain.get("/v1/routes/stats?group=month&limit=1&customer_region=MG")["summary"]["delivered"]
    expect(page.locator('[data-tile="delivered"] .tile-value')).to_have_text(f"{own:,}")
    assert own < whole
    open_of_mg = chain.get(
        "/v1/shipments?customer_region=MG&limit=1&count=exact"
        "&status=ORDER_PLACED,ORDER_APPROVED,WAREHOUSE_ASSIGNED,HANDED_TO_CARRIER,DELIVERY_DELAYED"
    )["total"]["value"]
    expect(page.locator('[data-tile="open"] .tile-value')).to_have_text(f"{open_of_mg:,}")
    shots(page, "overview-filtered")
    page.go_back()
    expect(page.locator('[data-tile="delivered"] .tile-value')).to_have_text(f"{whole:,}")


def test_a_cell_of_the_matrix_filters_by_its_route_by_keyboard_too(pages: Pages) -> None:
    page = pages.open(ALL)
    page.locator('.matrix td[data-route="SP-RJ"]').click()
    expect(page.locator(".chip")).to_have_count(2)
    assert "seller=SP" in page.url
    assert "customer=RJ" in page.url
    page.locator('.matrix td[data-route="SP-RJ"]').press("ArrowLeft")
    focused = page.evaluate("document.activeElement.dataset.route")
    assert focused.startswith("SP-")
    assert focused < "SP-RJ"
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{pages.address}/?range=all&seller=SP&customer={focused.split('-')[1]}")


def test_dragging_over_days_chooses_a_range_that_a_reload_keeps(pages: Pages) -> None:
    page = pages.open(ALL)
    whole = tile(page, "delivered")
    chart = page.locator(".plot .u-over")
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_url("**/?start=*")
    settled(page)
    chosen = page.get_by_label("First day").input_value()
    delivered = tile(page, "delivered")
    assert number(delivered) < number(whole)
    page.reload()
    settled(page)
    assert page.get_by_label("First day").input_value() == chosen
    assert tile(page, "delivered") == delivered


def test_the_map_plays_over_the_range(pages: Pages) -> None:
    page = pages.open(ALL)
    page.get_by_role("button", name="Play").click()
    output = page.locator(".scrubber output")
    expect(output).to_contain_text("20")
    first = output.inner_text()
    expect(output).not_to_have_text(first)
    page.get_by_role("button", name="Pause").click()
    assert "step=" in page.url


def test_a_tile_leads_to_its_shipments(chain: Chain, pages: Pages) -> None:
    page = pages.open(ALL)
    for name in ("open", "late", "at-risk", "stalled", "quiet"):
        wanted = number(tile(page, name))
        link = page.locator(f'[data-tile="{name}"]').get_attribute("href")
        query = urlsplit(str(link)).query
        assert chain.get(f"/v1/shipments?{query}&limit=1&count=exact")["total"]["value"] == wanted, name
    page.locator('[data-tile="late"]').click()
    settled(page)
    assert "/shipments?" in page.url
    assert "late_at_least=1" in page.url
