"""Markup in whatever comes from outside is shown as text: ids, reasons, names, values of rejected rows."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from chain import Chain
from pages import Pages, settled

# Each would set the title, were it ever markup or script.
IMAGE = '<img src=x onerror="document.title=1">'
SCRIPT = "<script>document.title=1</script>"
LINK = '"><a href="javascript:document.title=1">x</a>'
HOSTILE = (IMAGE, SCRIPT, LINK)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, backend: Mapping[str, str]) -> Iterator[Chain]:
    """One with a second dataset, whose folder the test fills."""
    folder = tmp_path_factory.mktemp("text")
    with Chain.started(folder, backend, ingest=("--dataset", f"hostile={folder / 'hostile'}"), data=300) as chain:
        yield chain


def with_hostile_rows(data: Path, folder: Path) -> None:
    """A copy of the data, with rows that are rejected for values that would do harm as markup."""
    shutil.copytree(data, folder)
    with (folder / "olist_orders_dataset.csv").open("r+", newline="") as file:
        header = next(csv.reader(file))
        file.seek(0, 2)
        lines = csv.writer(file)
        for i, text in enumerate(HOSTILE):
            row = dict.fromkeys(header, "")
            row.update(order_id=f"{text}{i}", order_status=text, order_purchase_timestamp=text)
            lines.writerow(row[name] for name in header)


def looks_at(page: Page) -> None:
    """A page has none of it as markup."""
    settled(page)
    assert page.locator("#app img[src='x'], #app script, #app a[href^='javascript']").count() == 0
    assert "EIP" in page.title()


def test_of_a_run_and_its_rejected_rows(chain: Chain, pages: Pages) -> None:
    with_hostile_rows(chain.data, chain.folder / "hostile")
    body = {"mode": "fast", "dataset": "hostile", "mix": True, "reason": IMAGE}
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": "hostile",
        "Eip-Requester": SCRIPT,
        "Eip-Origin": LINK,
    }
    with urlopen(Request(f"{chain.factory}/v1/runs", json.dumps(body).encode(), headers), timeout=30) as answer:
        run = json.load(answer)["run"]
    chain.run_ends(run)
    page = pages.open(f"/replays/{run}")
    for text in (IMAGE, SCRIPT, LINK):
        expect(page.get_by_text(text).first).to_be_visible()
    looks_at(page)
    page = pages.open("/replays")
    expect(page.locator(".run-list")).to_contain_text(IMAGE)
    page.locator(f'.runs [data-run="{run}"]').hover()
    expect(page.locator(".tip")).to_be_visible()
    looks_at(page)


def test_of_a_shipment(chain: Chain, pages: Pages) -> None:
    chain.push_order(IMAGE)
    page = pages.open(f"/shipments?q={quote(IMAGE)}")
    expect(page.locator(".shipments tbody tr")).to_have_count(1)
    expect(page.locator(".shipments tbody a")).to_have_attribute("title", IMAGE)
    looks_at(page)
    page.locator(".shipments tbody a").click()
    expect(page.locator("[data-order]")).to_have_text(IMAGE)
    expect(page.get_by_text("The views say what the log says.")).to_be_visible()
    looks_at(page)
    page = pages.open("/shipments")
    page.get_by_role("button", name="Paste many").click()
    page.get_by_role("dialog").locator("textarea").fill("\n".join(HOSTILE))
    page.get_by_role("dialog").get_by_role("button", name="Look up").click()
    expect(page.get_by_role("dialog").locator("tbody")).to_contain_text("<script>document.title=1</script>")
    looks_at(page)


def test_of_an_address(pages: Pages) -> None:
    pages.expected = (400, 404)
    text = "".join(HOSTILE)
    for path in (
        f"/shipments?q={quote(text)}&status={quote(text)}",
        f"/shipments/{quote(text, safe='')}",
        f"/replays/{quote(text, safe='')}?space={quote(text)}",
        f"/replays?form=window&rules={quote(text)}&start={quote(text)}",
        f"/?seller={quote(text)}&customer={quote(text)}&start={quote(text)}",
        f"/compare?a={quote(text)}&b=main",
    ):
        looks_at(pages.open(path))
