"""Pages in a browser, and what went wrong on them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

Theme = Literal["light", "dark"]

NARROW, WIDE = 390, 1440
# What a page says of itself when a content policy stops something.
VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error('content policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample);
});
"""
# A slow machine under a test suite is no error of the page.
expect.set_options(timeout=20_000)
# Where pictures are kept, if anywhere.
SHOTS = os.environ.get("EIP_WEB_SHOTS")


@dataclass
class Pages:
    """The pages of one test. At its end none of them may have logged an error."""

    browser: Browser
    address: str
    errors: list[str] = field(default_factory=list)
    # Statuses of answers that a test asks for on purpose; the browser logs each.
    expected: tuple[int, ...] = ()
    _contexts: list[BrowserContext] = field(default_factory=list)

    def context(
        self,
        *,
        language: str = "en",
        theme: Theme = "light",
        width: int = WIDE,
        permissions: tuple[str, ...] = (),
    ) -> BrowserContext:
        """A browser of its own: cookies and settings are shared by its pages only."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            locale="en-US",
            timezone_id="America/Sao_Paulo",
            permissions=list(permissions),
        )
        context.add_init_script(VIOLATIONS)
        kept = "localStorage.getItem('eip.language')"
        context.add_init_script(f"{kept} || localStorage.setItem('eip.language', '{language}')")
        self._contexts.append(context)
        return context

    def open(self, path: str, context: BrowserContext | None = None) -> Page:
        """Opens an address, and waits until nothing is loading any more."""
        page = (context or self.context()).new_page()
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        page.goto(self.address + path)
        settled(page)
        return page

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if any(f"status of {status}" in message.text for status in self.expected):
            return
        self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def end(self) -> None:
        for context in self._contexts:
            context.close()
        assert not self.errors, "\n".join(self.errors)


def settled(page: Page) -> None:
    """Waits until the page shows its content, and that of its present address."""
    expect(page.locator("main")).not_to_be_empty()
    expect(page.locator('.loading, [aria-busy="true"]')).to_have_count(0)


def shots(page: Page, name: str) -> None:
    """Keeps pictures of a wide, light page, narrow and in dark too."""
    if not SHOTS:
        return
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    themes: tuple[Theme, ...] = ("dark", "light")
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(300)  # what is drawn on a canvas follows
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{theme}.png", full_page=True)


def number(text: str) -> int:
    """A count as the page shows it."""
    return int(text.replace(",", ""))


def one_place(basis_points: int) -> str:
    """A rate as the page shows it."""
    return f"{(Decimal(basis_points) / 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def tile(page: Page, name: str) -> str:
    """The figure of one of the overview's tiles."""
    return page.locator(f'[data-tile="{name}"] .tile-value').inner_text()


def figure(page: Page, name: str) -> int:
    """A figure of a run."""
    return number(page.locator(f'[data-figure="{name}"] .tile-value').inner_text())


def state(page: Page, wanted: str) -> None:
    """Waits until the run that a page shows is in a state."""
    expect(page.locator(f'[data-state="{wanted}"]').first).to_be_visible(timeout=60_000)
