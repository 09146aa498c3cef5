"""What changes while a page is open: figures, the badge, the list's pill, and many tabs at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Dialog, Route, expect

from chain import Chain
from pages import Pages, number


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, backend: Mapping[str, str]) -> Iterator[Chain]:
    """One of these tests' own: they add to it, and stop its dataflow."""
    with Chain.started(tmp_path_factory.mktemp("live"), backend) as chain:
        yield chain


@pytest.mark.both
def test_a_figure_follows_the_views_without_a_reload(chain: Chain, pages: Pages) -> None:
    page = pages.open("/?range=all")
    tile = page.locator('[data-tile="open"] .tile-value')
    before = number(tile.inner_text())
    chain.push_order("live-one")
    expect(tile).to_have_text(f"{before + 1:,}")


def test_the_list_waits_to_be_asked_and_the_switch_lets_it_follow(chain: Chain, pages: Pages) -> None:
    page = pages.open("/shipments?q=pill")
    expect(page.get_by_text("No shipment meets this filter.")).to_be_visible()
    chain.push_order("pill-one")
    pill = page.locator(".pill")
    expect(pill).to_contain_text("1 new")
    expect(page.locator(".shipments tbody tr")).to_have_count(0)
    pill.click()
    expect(page.locator(".shipments tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Live", exact=True).last.click()
    page.mouse.move(5, 5)
    chain.push_order("pill-two")
    expect(page.locator(".shipments tbody tr")).to_have_count(2)


def test_eight_tabs_are_all_live(chain: Chain, pages: Pages) -> None:
    context = pages.context()
    tabs = [pages.open("/?range=all", context) for _ in range(8)]
    for tab in tabs:
        expect(tab.locator('.badge[data-state="live"]')).to_be_visible()
    before = number(tabs[0].locator('[data-tile="open"] .tile-value').inner_text())
    chain.push_order("eight-tabs")
    for tab in tabs:
        expect(tab.locator('[data-tile="open"] .tile-value')).to_have_text(f"{before + 1:,}")
    # Whoever has the stream goes; another tab takes it over.
    tabs[0].close()
    chain.push_order("seven-tabs")
    for tab in tabs[1:]:
        expect(tab.locator('[data-tile="open"] .tile-value')).to_have_text(f"{before + 2:,}")


@pytest.mark.both
def test_the_badge_says_that_the_views_are_behind_and_that_they_are_not_any_more(chain: Chain, pages: Pages) -> None:
    page = pages.open("/")
    expect(page.locator('.badge[data-state="live"]')).to_be_visible()
    chain.stop_dataflow()
    try:
        chain.push_order("behind-one", wait=False)
        expect(page.locator('.badge[data-state="behind"]')).to_be_visible(timeout=30_000)
        expect(page.locator(".banner").first).to_contain_text("behind the log")
    finally:
        chain.start_dataflow()
    expect(page.locator('.badge[data-state="live"]')).to_be_visible(timeout=60_000)
    expect(page.locator(".banner")).to_have_count(0)


def test_the_pipeline_shows_the_lag_of_each_partition(chain: Chain, pages: Pages) -> None:
    page = pages.open("/pipeline")
    lag = chain.get("/v1/pipeline")["lag"]
    expect(page.locator("tr[data-partition]")).to_have_count(len(lag["partitions"]))
    expect(page.locator('[data-figure="records"] .tile-value')).to_have_text("0")
    ends = [number(row.locator("td").nth(1).inner_text()) for row in page.locator("tr[data-partition]").all()]
    assert ends == [one["end"] for one in lag["partitions"]]
    expect(page.locator('tr[data-store="sqlite"]')).to_contain_text("OK")


def test_refused_documents_are_sent_again_after_a_question(pages: Pages) -> None:
    """The embedded store refuses nothing: these answers are the test's (real ones: tests/it/servers/refused.rs)."""
    refused = {"count": 12, "latest": [{"view": "shipments", "id": "stuck", "reason": "mapper_exception: <b>no</b>"}]}
    asked: list[object] = []

    def pipeline(route: Route) -> None:
        response = route.fetch()
        changed = {"refused_documents": refused, "dataflow": {"state": "ready", "blocked": []}}
        route.fulfill(response=response, json={**response.json(), **changed})

    def retry(route: Route) -> None:
        asked.append(route.request.post_data_json)
        refused["count"] = 1
        route.fulfill(json={"sent_again": 12, "refused_again": 1})

    context = pages.context()
    context.route("**/v1/pipeline", pipeline)
    context.route("**/v1/pipeline/refused_documents/retry", retry)
    page = pages.open("/pipeline", context)
    card = page.locator(".area-refused")
    expect(card.locator('[data-refused="stuck"]')).to_contain_text("<b>no</b>")
    button = card.get_by_role("button", name="Send all 12 again")

    def answers(dialog: Dialog) -> None:
        assert "12 documents" in dialog.message
        if asked_once:
            dialog.accept()
        else:
            dialog.dismiss()

    asked_once = False
    page.on("dialog", answers)
    button.click()
    assert asked == []
    asked_once = True
    button.click()
    expect(card.locator("[data-retried]")).to_have_text("12 documents were sent again, 1 of them were refused again.")
    assert asked == [{}]
    expect(card.get_by_role("button", name="Send all 1 again")).to_be_visible()
