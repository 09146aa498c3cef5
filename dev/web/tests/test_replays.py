"""Replays: a correction from the calendar to its revert, a scaled replay that is steered, and what a run shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chain import Chain, becomes
from pages import Pages, figure, number, settled, shots, state

# Days of which the generated data has many late orders.
FIRST, LAST, END = "2018-03-01", "2018-03-31", "2018-04-01"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, backend: Mapping[str, str]) -> Iterator[Chain]:
    """One of these tests' own: they change what the views say."""
    with Chain.started(tmp_path_factory.mktemp("replays"), backend) as chain:
        yield chain


def late_of_march(chain: Chain) -> int:
    summary = chain.get(f"/v1/routes/stats?start={FIRST}&end={END}&group=month&limit=1")["summary"]
    return int(summary["delivered_late"])


def drag(page: Page, first: str, last: str) -> None:
    boxes = [page.locator(f'.calendar td[data-day="{day}"]').bounding_box() for day in (first, last)]
    assert boxes[0]
    assert boxes[1]
    page.mouse.move(boxes[0]["x"] + 5, boxes[0]["y"] + 8)
    page.mouse.down()
    page.mouse.move(boxes[1]["x"] + 5, boxes[1]["y"] + 8, steps=8)
    page.mouse.up()


@pytest.mark.both
def test_a_correction_is_dragged_rehearsed_applied_seen_and_taken_back(chain: Chain, pages: Pages) -> None:
    overview = pages.open(f"/?start={FIRST}&end={END}")
    before = number(overview.locator('[data-tile="late"] .tile-value').inner_text())
    assert before == late_of_march(chain)

    page = pages.open("/replays?year=2018")
    drag(page, FIRST, LAST)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("First day")).to_have_value(FIRST)
    expect(dialog.get_by_label("Last day")).to_have_value(LAST)
    dialog.get_by_label("Rules").select_option("end_of_day")
    dialog.get_by_label("Reason").fill("<script>document.title = 1</script>")
    dialog.get_by_role("button", name="Rehearse").click()
    page.wait_for_url(re.compile("/replays/[0-9a-f]{16}$"))
    state(page, "rehearsed")
    settled(page)
    run = page.url.rsplit("/", 1)[1]
    rehearsal = chain.get(f"/v1/runs/{run}/rehearsal")
    assert figure(page, "orders") == rehearsal["orders_covered"]
    assert figure(page, "changed") == rehearsal["facts"]["changed"] > 0
    assert figure(page, "retracted") == rehearsal["facts"]["retracted"]
    expect(page.locator(".reason")).to_have_text("<script>document.title = 1</script>")
    expect(page.locator(".timeline").first).to_be_visible()
    expect(page.locator('[data-guard][data-stops="false"]')).to_have_count(3)
    figures_are_shown(page, rehearsal["route_figures"])
    shots(page, "rehearsal")
    assert late_of_march(chain) == before, "a rehearsal changes nothing"

    page.get_by_role("button", name="Apply this correction").click()
    page.wait_for_url(lambda url: run not in url)
    state(page, "committed")
    applied = page.url.rsplit("/", 1)[1]
    now = number_becomes_other(overview, before)
    assert now == late_of_march(chain) != before
    settled(page)
    shots(page, "applied")

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Receipt").click()
    expect(opened.value.locator("body")).to_contain_text(applied)
    opened.value.close()

    page.get_by_role("button", name="Revert this run").click()
    page.wait_for_url(lambda url: applied not in url)
    state(page, "rehearsed")
    figures_are_the_reverse(chain, page, rehearsal["route_figures"])
    page.get_by_role("button", name="Apply this revert").click()
    state(page, "committed")
    expect(overview.locator('[data-tile="late"] .tile-value')).to_have_text(f"{before:,}")
    assert late_of_march(chain) == before
    calendar = pages.open("/replays?year=2018")
    expect(calendar.locator(".run-list tbody tr")).to_have_count(len(chain.get("/v1/runs")["runs"]))
    calendar.goto(f"{pages.address}/replays/{applied}")
    expect(calendar.get_by_text("Reverted by run")).to_be_visible()


def figures_are_shown(page: Page, figures: dict[str, Any]) -> None:
    """The tables and the map say what the rehearsal says."""
    card = page.locator(".area-figures")

    def line(name: str, of: dict[str, Any]) -> None:
        cells = card.locator(f'[data-line="{name}"] td')
        for place, count in ((0, "delivered"), (2, "delivered_late")):
            expect(cells.nth(place)).to_have_text(f"{of['before'][count]:,} → {of['after'][count]:,}")
        change = of["after"]["delivered_late"] - of["before"]["delivered_late"]
        expect(cells.nth(3)).to_have_text(f"{change:+,}".replace("-", "−") if change else "")

    line("all", figures["all"])
    routes, days = figures["by_route"]["listed"], figures["by_day"]["listed"]
    assert routes
    assert days
    line(f"{routes[0]['seller_region']} → {routes[0]['customer_region']}", routes[0])
    expect(card.locator("tbody tr")).to_have_count(1 + len(routes))
    card.get_by_role("button", name="Day", exact=True).click()
    line(days[0]["day"], days[0])
    expect(card.locator("tbody tr")).to_have_count(1 + len(days))
    map_card = page.locator(".area-map-changes")
    region = figures["by_customer"]["listed"][0]
    state_shape = map_card.locator(f'path[data-code="{region["region"]}"]')
    expect(state_shape).to_have_attribute("class", re.compile(r"change-\d"))
    map_card.get_by_role("button", name="Table").click()
    expect(map_card.locator("tbody tr")).to_have_count(len(figures["by_customer"]["listed"]))


def figures_are_the_reverse(chain: Chain, page: Page, figures: dict[str, Any]) -> None:
    """What the rehearsed revert on the page brings back is what was there before."""
    settled(page)
    undo = chain.get(f"/v1/runs/{page.url.rsplit('/', 1)[1]}/rehearsal")["route_figures"]
    assert undo["all"]["before"] == figures["all"]["after"]
    assert undo["all"]["after"] == figures["all"]["before"]
    figures_are_shown(page, undo)


def number_becomes_other(page: Page, before: int) -> int:
    value = page.locator('[data-tile="late"] .tile-value')
    expect(value).not_to_have_text(f"{before:,}", timeout=30_000)
    return number(value.inner_text())


def test_pages_and_days_are_reached_by_keyboard(pages: Pages) -> None:
    page = pages.open("/replays?year=2018")
    page.locator('.calendar td[tabindex="0"]').focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.down("Shift")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.keyboard.up("Shift")
    expect(page.locator(".calendar td.selected")).to_have_count(7)
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("First day")).to_have_value("2018-03-01")
    expect(dialog.get_by_label("Last day")).to_have_value("2018-03-07")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("pipe")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pipeline")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(pages.address + "/")


def focus(page: Page, name: str) -> None:
    """Goes to a button as a person without a pointer does."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_enabled()
    for _ in range(200):
        page.keyboard.press("Tab")
        if button.evaluate("(element) => element === document.activeElement"):
            return
    message = f"{name} is in no tab order"
    raise AssertionError(message)


def test_a_correction_and_its_revert_by_keyboard_alone(chain: Chain, pages: Pages) -> None:
    before = late_of_march(chain)
    page = pages.open(f"/replays?form=window&start={FIRST}&end={END}")
    rules = page.get_by_role("dialog").get_by_label("Rules")
    expect(rules.locator("option")).to_have_count(2)
    expect(page.get_by_role("dialog").get_by_label("Data")).to_be_focused()
    page.keyboard.press("Tab")
    expect(rules).to_be_focused()
    page.keyboard.type("end")
    expect(rules).to_have_value("end_of_day")
    focus(page, "Rehearse")
    page.keyboard.press("Enter")
    state(page, "rehearsed")
    focus(page, "Apply this correction")
    page.keyboard.press("Enter")
    state(page, "committed")
    becomes(lambda: late_of_march(chain) != before)
    focus(page, "Revert this run")
    page.keyboard.press("Enter")
    state(page, "rehearsed")
    focus(page, "Apply this revert")
    page.keyboard.press("Enter")
    state(page, "committed")
    becomes(lambda: late_of_march(chain) == before)


def test_a_day_that_is_clicked_leads_to_its_run(chain: Chain, pages: Pages) -> None:
    page = pages.open("/replays?year=2018")
    page.locator('.calendar td[data-day="2018-01-10"]').click()
    page.wait_for_url("**/replays/*")
    assert page.url.rsplit("/", 1)[1] in {run["run"] for run in chain.get("/v1/runs")["runs"]}


def test_a_scaled_replay_is_watched_paused_sped_up_and_cancelled(chain: Chain, pages: Pages) -> None:
    page = pages.open("/replays?form=scaled&start=2018-01-01&end=2018-03-01")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Whole range in").fill("10m")
    dialog.get_by_label("Space").fill("steered")
    dialog.get_by_role("button", name="Start").click()
    state(page, "running")
    clock = page.locator('[data-clock="simulated"]')
    expect(clock).to_contain_text("2018-01")
    page.get_by_role("button", name="Pause").click()
    state(page, "paused")
    stands = clock.inner_text()
    page.wait_for_timeout(1_500)
    assert clock.inner_text() == stands
    page.get_by_role("button", name="Continue").or_(page.get_by_role("button", name="Resume")).click()
    state(page, "running")
    expect(clock).not_to_have_text(stands)
    pace = page.get_by_role("slider")
    before = page.locator("[data-pace]").get_attribute("data-pace")
    pace.focus()
    page.keyboard.press("PageUp")
    expect(page.locator("[data-pace]")).not_to_have_attribute("data-pace", str(before))
    expect(page.locator(".percentiles")).to_be_visible()
    shots(page, "running")
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Cancel run").click()
    state(page, "cancelled")
    run = re.search(r"/replays/([0-9a-f]{16})", page.url)
    assert run
    assert chain.run_ends(run[1], "steered")["state"] == "cancelled"


def test_what_ingest_refuses_is_said_where_it_was_asked(pages: Pages) -> None:
    pages.expected = (404, 409, 422)
    page = pages.open("/replays?form=scaled&start=2018-01-01&end=2018-01-03")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Whole range in").fill("soon")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_role("alert")).to_contain_text("duration")
