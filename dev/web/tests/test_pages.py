"""Every page as a whole: it loads without an error, in either colour, in every width, and for everybody."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, expect

from chain import Chain
from pages import NARROW, WIDE, Pages, Theme, settled, shots

PATHS = {
    "overview": "/",
    "shipments": "/shipments",
    "replays": "/replays",
    "pipeline": "/pipeline",
    "compare": "/compare",
    "form": "/replays?form=window",
}


def paths(chain: Chain) -> dict[str, str]:
    """The pages, and one of a shipment and of a run."""
    order = chain.get("/v1/shipments?limit=1&late_at_least=1&sort=-late")["shipments"][0]["orderId"]
    run = chain.get("/v1/runs")["runs"][0]["run"]
    return {**PATHS, "shipment": f"/shipments/{order}", "run": f"/replays/{run}"}


def is_wider_than_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.both
def test_every_page_loads_without_an_error_and_fits_every_width(chain: Chain, pages: Pages) -> None:
    context = pages.context()
    for name, path in paths(chain).items():
        page = pages.open(path, context)
        expect(page.locator(".badge")).to_have_attribute("data-state", "live")
        expect(page.locator('main [role="alert"]')).to_have_count(0)
        for width in (NARROW, WIDE, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert not is_wider_than_the_window(page), f"{name} at {width}"
        shots(page, name)
        page.close()


def test_every_page_speaks_korean_and_says_it_does(chain: Chain, pages: Pages) -> None:
    context = pages.context(language="ko")
    for name, path in paths(chain).items():
        page = pages.open(path, context)
        assert page.evaluate("document.documentElement.lang") == "ko"
        heading = page.locator(".top h1").inner_text()
        assert any("가" <= letter <= "힣" for letter in heading), f"{name}: {heading}"
        for width in (NARROW, WIDE):
            page.set_viewport_size({"width": width, "height": 900})
            assert not is_wider_than_the_window(page), f"{name} at {width}"
        shots(page, f"ko-{name}")
        page.close()


def test_axe_finds_nothing_serious_in_either_colour(chain: Chain, pages: Pages) -> None:
    context = pages.context()
    found: list[str] = []
    themes: tuple[Theme, ...] = ("light", "dark")
    for name, path in paths(chain).items():
        page = pages.open(path, context)
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            for violation in Axe().run(page).response["violations"]:
                if violation["impact"] in {"serious", "critical"}:
                    places = [node["target"] for node in violation["nodes"][:3]]
                    found.append(f"{name}, {theme}: {violation['id']}: {violation['help']} {places}")
        page.close()
    assert not found, "\n".join(found)


def test_the_first_load_weighs_less_than_150_kb_compressed(pages: Pages) -> None:
    context = pages.context()
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - a method of list takes no mark
    page.goto(pages.address + "/")
    settled(page)
    expect(page.locator(".plot canvas")).to_be_visible()
    own = [answer for answer in answers if "/v1/" not in answer.url and answer.status == 200]
    weight = sum(len(gzip.compress(answer.body(), 6)) for answer in own)
    assert 20_000 < weight <= 150_000, f"{weight} bytes in {len(own)} files"
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    print(f"first load: {weight} bytes in {len(own)} files, first contentful paint after {paint:.0f} ms")  # noqa: T201


def test_an_address_that_is_no_page_says_so(pages: Pages) -> None:
    page = pages.open("/shipments/no-such-order-0000")
    expect(page.get_by_role("alert")).to_contain_text("Not found")
    pages.errors.clear()


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
@pytest.mark.parametrize("service", ["api", "ingest"])
def test_the_stored_types_are_those_of_the_services_document(chain: Chain, service: str) -> None:
    address = {"api": chain.address, "ingest": chain.factory}[service]
    with urlopen(f"{address}/openapi.json", timeout=30) as answer:
        document = answer.read()
    folder = Path(__file__).resolve().parents[1]
    line = ["node", "types.js", service, "-"]
    made = subprocess.run(line, input=document, capture_output=True, check=True, cwd=folder)
    stored = (folder / f"{service}.d.ts").read_bytes()
    assert made.stdout == stored, "run dev/web/types.js again (see its head)"


def test_settings_stay_and_change_only_what_they_name(pages: Pages) -> None:
    context = pages.context()
    page = pages.open("/replays", context)
    before = page.locator(".run-list tbody tr").first.inner_text()
    assert "UTC" in before
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Local").click()
    expect(page.locator(".run-list tbody tr").first).not_to_contain_text("UTC")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    settled(page)
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    expect(page.locator(".run-list tbody tr").first).not_to_contain_text("UTC")
