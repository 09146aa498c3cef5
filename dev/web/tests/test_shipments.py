"""Shipments: search, paste of many ids, filters, export, one shipment with its timeline and why."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from chain import Chain
from pages import Pages, number, settled, shots


@pytest.mark.both
def test_slash_searches_and_the_address_keeps_it(chain: Chain, pages: Pages) -> None:
    order = chain.get("/v1/shipments?limit=1")["shipments"][0]["orderId"]
    page = pages.open("/")
    page.keyboard.press("/")
    page.wait_for_url("**/shipments")
    expect(page.locator("#search-field")).to_be_focused()
    page.keyboard.type(f' "{order.upper()}" ')
    page.keyboard.press("Enter")
    expect(page.locator(".shipments tbody tr")).to_have_count(1)
    expect(page.locator(".shipments tbody tr")).to_have_attribute("data-order", order)
    page.reload()
    settled(page)
    expect(page.locator(".shipments tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator(".shipments tbody tr")).not_to_have_count(1)


@pytest.mark.both
def test_fifty_pasted_ids_are_looked_up_each_in_its_place(chain: Chain, pages: Pages) -> None:
    found = [one["orderId"] for one in chain.get("/v1/shipments?limit=47")["shipments"]]
    pasted = [*found, "f" * 32, found[0][:8], "no-such-order"]
    context = pages.context(permissions=("clipboard-read", "clipboard-write"))
    page = pages.open("/shipments", context)
    page.evaluate("(text) => navigator.clipboard.writeText(text)", "\n".join(pasted))
    page.locator("#search-field").focus()
    page.keyboard.press("Control+v")
    rows = page.get_by_role("dialog").locator("tbody tr")
    expect(rows).to_have_count(50)
    outcomes = [row.get_attribute("data-outcome") for row in rows.all()]
    assert outcomes[:47] == ["found"] * 47
    assert outcomes[47] == outcomes[49] == "not_found"
    assert [row.locator("th").inner_text() for row in rows.all()] == pasted
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("48 found")
    shots(page, "shipments-many")


@pytest.mark.both
def test_filters_count_what_they_leave_and_go_into_the_address(chain: Chain, pages: Pages) -> None:
    page = pages.open("/shipments")
    box = page.locator(".filters").get_by_label("Delayed", exact=False).first
    box.check()
    settled(page)
    page.wait_for_url("**status=DELIVERY_DELAYED**")
    wanted = chain.get("/v1/shipments?status=DELIVERY_DELAYED&limit=1&count=exact")["total"]["value"]
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(wanted))
    page.reload()
    settled(page)
    expect(box).to_be_checked()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(wanted))
    page.go_back()
    expect(box).not_to_be_checked()
    page.go_forward()
    expect(box).to_be_checked()
    counts = page.locator(".filters .check .count")
    assert number(counts.nth(4).inner_text()) == wanted
    page.get_by_label("Late by at least").fill("1d")
    page.get_by_label("Late by at least").press("Enter")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "0")
    expect(page.get_by_text("No shipment meets this filter.")).to_be_visible()
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator(".shipments tbody tr").first).to_be_visible()
    assert page.url.endswith("/shipments")


def test_a_wrong_filter_is_refused_in_the_apis_words(pages: Pages) -> None:
    pages.expected = (400,)
    page = pages.open("/shipments?late_at_least=soon")
    expect(page.get_by_role("alert").first).to_contain_text("late_at_least")


def test_a_column_sorts_both_ways_and_more_is_appended(chain: Chain, pages: Pages) -> None:
    page = pages.open("/shipments")
    page.get_by_role("button", name="Late by").click()
    worst = chain.get("/v1/shipments?sort=-late&limit=1")["shipments"][0]["orderId"]
    first = page.locator(".shipments tbody tr").first
    expect(first).to_have_attribute("data-order", worst)
    expect(page.locator('th[aria-sort="descending"]')).to_contain_text("Late by")
    page.get_by_role("button", name="Late by").click()
    expect(page.locator('th[aria-sort="ascending"]')).to_contain_text("Late by")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".shipments tbody tr")).to_have_count(100)
    orders = [row.get_attribute("data-order") for row in page.locator(".shipments tbody tr").all()]
    assert len(set(orders)) == 100


def test_link_and_curl_are_copied_and_the_export_has_the_filter(pages: Pages) -> None:
    context = pages.context(permissions=("clipboard-read", "clipboard-write"))
    page = pages.open("/shipments?customer_region=RJ", context)
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator(".toast")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"curl -s 'http://[^']+/v1/shipments\?customer_region=RJ&sort=-placed_at'", copied)
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="CSV", exact=True).get_attribute("href")
    assert link == "/v1/shipments/export?customer_region=RJ&format=csv"


def test_a_shipment_shows_its_events_to_scale_and_its_figures(chain: Chain, pages: Pages) -> None:
    order = chain.get("/v1/shipments?limit=1&late_at_least=86400&sort=-late")["shipments"][0]
    page = pages.open(f"/shipments/{order['orderId']}")
    days, rest = divmod(order["lateSeconds"], 86_400)
    hours = rest // 3_600
    expect(page.locator('[data-field="late"]')).to_have_text(f"{days} d" + (f" {hours} h" if hours else ""))
    dots = page.locator(".timeline circle")
    expect(dots).to_have_count(order["eventCount"])
    places = [float(str(dot.get_attribute("cx"))) for dot in dots.all()]
    assert places == sorted(places)
    expect(page.locator(".timeline .promise")).to_have_count(1)
    times = page.locator("tr[data-event] td:nth-child(2)").all_inner_texts()
    assert order["placedAt"].replace("T", " ").removesuffix("Z") == times[0]
    shots(page, "shipment")


@pytest.mark.both
def test_why_names_for_each_field_the_record_and_the_run_behind_it(chain: Chain, pages: Pages) -> None:
    order = chain.get("/v1/shipments?limit=1&delayed=true")["shipments"][0]
    why = chain.get(f"/v1/shipments/{order['orderId']}/why")
    page = pages.open(f"/shipments/{order['orderId']}")
    expect(page.get_by_text("The views say what the log says.")).to_be_visible()
    delayed = next(one for one in why["fields"] if one["field"] == "delayedAt")
    row = page.locator('tr[data-field="delayedAt"]')
    expect(row.locator("a").first).to_have_text(str(delayed["records"][0]))
    expect(page.locator(f"#record-{delayed['records'][0]}")).to_contain_text("stands")
    run = why["runs"][0]["run"].split("/")[0]
    page.get_by_role("link", name=re.compile(run)).first.click()
    page.wait_for_url(f"**/replays/{run}")
