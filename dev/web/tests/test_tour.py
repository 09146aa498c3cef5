"""The guided tour of `eip demo`: five steps on its own page, by mouse and by keyboard, kept over a reload."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from demo import demo
from pages import Pages, Theme, number, settled, shots, state
from test_replays import drag

FIRST, LAST = "2018-03-01", "2018-03-31"


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that `eip demo` prints."""
    with demo(tmp_path_factory.mktemp("tour")) as address:
        yield address


@pytest.fixture
def pages(browser: Browser, tour: str) -> Iterator[Pages]:
    pages = Pages(browser, tour.partition("/?")[0])
    yield pages
    pages.end()


def step(page: Page, wanted: int) -> None:
    expect(page.locator(".tour")).to_have_attribute("data-step", str(wanted))


def points_beside_itself(page: Page) -> None:
    """What the tour points at is in view, and the bar does not lie over it."""
    marked = page.locator("[data-spotlight]")
    expect(marked).to_have_count(1)
    expect(marked).to_be_in_viewport()
    settled(page)
    there, bar = marked.bounding_box(), page.locator(".tour").bounding_box()
    assert there
    assert bar
    assert there["y"] + there["height"] <= bar["y"] + 1, (there, bar)


def test_the_charts_move_and_a_shipment_says_why(pages: Pages) -> None:
    page = pages.open("/?tour=2018-03")
    step(page, 1)
    assert "tour" not in page.url, "a link of the page begins no tour"
    points_beside_itself(page)
    placed = page.locator('[data-tile="open"] .tile-value')
    before = placed.inner_text()
    expect(placed).not_to_have_text(before)
    shots(page, "tour-1")

    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**/shipments")
    step(page, 2)
    settled(page)
    points_beside_itself(page)
    page.locator(".list tbody a").first.click()
    page.wait_for_url("**/shipments/*")
    expect(page.locator(".why [data-spotlight], .why[data-spotlight]")).to_have_count(1)
    points_beside_itself(page)
    page.reload()
    settled(page)
    step(page, 2)
    shots(page, "tour-2")


def test_a_month_is_corrected_and_taken_back(pages: Pages) -> None:
    page = pages.open("/?tour=2018-03")
    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    page.wait_for_url("**/replays?year=2018")
    step(page, 3)
    settled(page)
    points_beside_itself(page)
    shots(page, "tour-3")
    drag(page, FIRST, LAST)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("First day")).to_have_value(FIRST)
    dialog.get_by_label("Rules").select_option("end-of-day")
    dialog.get_by_role("button", name="Rehearse").click()
    page.wait_for_url(re.compile("/replays/[0-9a-f]{16}$"))
    step(page, 4)
    state(page, "rehearsed")
    settled(page)
    points_beside_itself(page)
    assert number(page.locator('[data-figure="changed"] .tile-value').inner_text()) > 0
    shots(page, "tour-4")

    rehearsal = page.url
    page.get_by_role("button", name="Apply this correction").click()
    page.wait_for_url(lambda url: url != rehearsal)
    step(page, 5)
    state(page, "committed")
    settled(page)
    points_beside_itself(page)
    shots(page, "tour-5")
    applied = page.url
    page.get_by_role("button", name="Revert this run").click()
    page.wait_for_url(lambda url: url != applied)
    state(page, "rehearsed")
    points_beside_itself(page)
    revert = page.url
    page.get_by_role("button", name="Apply this revert").click()
    page.wait_for_url(lambda url: url != revert)
    state(page, "committed")
    step(page, 5)
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".tour")).to_have_count(0)
    expect(page.locator("[data-spotlight]")).to_have_count(0)
    page.reload()
    settled(page)
    expect(page.locator(".tour")).to_have_count(0)


def test_it_is_operated_and_ended_by_keyboard(pages: Pages) -> None:
    page = pages.open("/?tour=2018-03")
    step(page, 1)
    page.keyboard.press("n")
    step(page, 2)
    page.keyboard.press("n")
    step(page, 3)
    page.wait_for_url("**/replays?year=2018")
    page.keyboard.press("b")
    step(page, 2)
    page.wait_for_url("**/shipments")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("step of the tour")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    step(page, 2)
    page.get_by_role("button", name="Back").focus()
    page.keyboard.press("Enter")
    step(page, 1)
    page.get_by_role("button", name="End the tour").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".tour")).to_have_count(0)


@pytest.mark.parametrize(("theme", "language"), [("light", "ko"), ("dark", "ko"), ("dark", "en")])
def test_it_is_read_in_both_languages_and_colours(pages: Pages, theme: Theme, language: str) -> None:
    page = pages.open("/?tour=2018-03", pages.context(theme=theme, language=language))
    bar = page.get_by_role("region", name="둘러보기" if language == "ko" else "Guided tour")
    expect(bar).to_be_visible()
    ground, text = bar.evaluate("bar => [getComputedStyle(bar).backgroundColor, getComputedStyle(bar).color]")
    light, dark = (brightness(colour) for colour in ((ground, text) if theme == "light" else (text, ground)))
    assert light - dark > 120, (ground, text)
    shots(page, f"tour-{theme}-{language}")


def brightness(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (red * 299 + green * 587 + blue * 114) / 1000


def test_on_a_phone_it_lies_over_nothing_it_points_at(pages: Pages) -> None:
    page = pages.open("/?tour=2018-03", pages.context(width=420))
    points_beside_itself(page)
    page.keyboard.press("n")
    settled(page)
    points_beside_itself(page)


def test_without_the_address_there_is_no_tour(pages: Pages) -> None:
    page = pages.open("/")
    expect(page.locator(".tour")).to_have_count(0)
    page = pages.open("/?tour=%3Cscript%3E")
    expect(page.locator(".tour")).to_have_count(0)
