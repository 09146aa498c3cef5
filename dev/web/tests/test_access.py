"""Tokens and roles: signing in and out, what a role may not do, and a rehearsal that another person applies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chain import Chain
from pages import Pages, settled

TOKENS = {role: f"eip_{role}_of_a_test" for role in ("read", "replay", "approve")}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, backend: Mapping[str, str]) -> Iterator[Chain]:
    """One that asks for tokens."""
    words: list[str] = []
    for role, token in TOKENS.items():
        words += ["--token", f"{role}er:{role}:{hashlib.sha256(token.encode()).hexdigest()}"]
    folder = tmp_path_factory.mktemp("access")
    with Chain.started(folder, backend, *words, ingest=tuple(words), data=500) as chain:
        yield chain


def signed_in(pages: Pages, role: str, path: str) -> tuple[BrowserContext, Page]:
    """A browser whose person has signed in, at a page."""
    pages.expected = (401, 403, 404)
    context = pages.context()
    page = context.new_page()
    page.goto(pages.address + path)
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(TOKENS[role])
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    settled(page)
    return context, page


def test_without_a_token_nothing_is_shown_and_a_wrong_one_is_refused(pages: Pages) -> None:
    pages.expected = (401,)
    page = pages.context().new_page()
    page.goto(pages.address + "/")
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Token").fill("eip_wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(0)


def test_a_session_shows_who_one_is_survives_a_reload_and_ends(pages: Pages) -> None:
    context, page = signed_in(pages, "read", "/")
    expect(page.locator(".tile").first).to_be_visible()
    expect(page.locator('.badge[data-state="live"]')).to_be_visible()
    page.reload()
    settled(page)
    expect(page.locator(".tile").first).to_be_visible()
    cookie = next(one for one in context.cookies() if "session" in one["name"])
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    assert TOKENS["read"] not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_text("reader, role read")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()


def test_a_reader_may_not_start_a_run_and_is_told(pages: Pages) -> None:
    _, page = signed_in(pages, "read", "/replays?form=window&start=2018-03-01&end=2018-04-01")
    dialog = page.get_by_role("dialog", name="Correct days")
    expect(dialog).to_contain_text("replay is needed")
    expect(dialog.get_by_role("button", name="Rehearse")).to_be_disabled()


def test_what_one_rehearses_another_applies_by_the_link(chain: Chain, pages: Pages) -> None:
    _, page = signed_in(pages, "replay", "/replays?form=window&start=2018-03-01&end=2018-04-01&rules=end_of_day")
    page.get_by_role("dialog").get_by_role("button", name="Rehearse").click()
    page.wait_for_url(re.compile("/replays/[0-9a-f]{16}"))
    expect(page.locator('[data-state="rehearsed"]')).to_be_visible(timeout=60_000)
    link = page.url.removeprefix(pages.address)
    _, reader = signed_in(pages, "read", link)
    expect(reader.get_by_role("button", name="Apply this correction")).to_be_disabled()
    expect(reader.get_by_text("Your role (read) may not apply it")).to_be_visible()
    _, approver = signed_in(pages, "approve", link)
    approver.get_by_role("button", name="Apply this correction").click()
    approver.wait_for_url(lambda url: link not in url)
    expect(approver.locator('[data-state="committed"]')).to_be_visible(timeout=60_000)
    run = approver.url.rsplit("/", 1)[1].split("?")[0]
    assert chain.get(f"/v1/runs/{run}", TOKENS["read"])["requester"].startswith("approveer")
    expect(page.get_by_text("Applied by run")).to_be_visible(timeout=30_000)
