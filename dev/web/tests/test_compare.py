"""Two spaces side by side: equal digests where nothing differs, and the rows where something does."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from chain import Chain
from pages import Pages, settled, shots


def replay_into(chain: Chain, space: str, *words: str) -> None:
    """The chain's data in another space."""
    chain.run("replay", "fast", "--data", str(chain.data), "--space", space, *words)


@pytest.fixture(scope="module")
def spaces(chain: Chain) -> None:
    replay_into(chain, "twin-a")
    replay_into(chain, "twin-b")
    replay_into(chain, "other-rules", "--rules", str(chain.folder / "rules.toml"))


@pytest.mark.usefixtures("spaces")
def test_spaces_of_the_same_data_and_rules_are_equal(pages: Pages) -> None:
    page = pages.open("/compare?a=twin-a&b=twin-b")
    settled(page)
    expect(page.locator('tr[data-view][data-equal="true"]')).to_have_count(3)
    expect(page.get_by_text("All rows are equal.")).to_be_visible()


@pytest.mark.usefixtures("spaces")
def test_other_rules_differ_where_the_api_says_so(chain: Chain, pages: Pages) -> None:
    page = pages.open("/compare")
    page.get_by_label("Space A").select_option("twin-a")
    page.get_by_label("Space B").select_option("other-rules")
    expect(page.locator('tr[data-view="shipments"]')).to_have_attribute("data-equal", "false")
    diff = chain.get("/v1/diff?a=twin-a&b=other-rules&limit=1000")
    first = diff["rows"][0]
    row = page.locator(".tall tbody tr").first
    expect(row).to_contain_text(first["stat_date"])
    expect(row).to_contain_text(f"{first['seller_region']} → {first['customer_region']}")
    expect(row.locator(".differs").first).to_be_visible()
    shots(page, "compare-differs")
