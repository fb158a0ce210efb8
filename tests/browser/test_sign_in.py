"""A link from somebody else, opened by who is not signed in; and out again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.harness import Running
from tests.sign_in import provider as providers
from tests.sign_in.conftest import serve
from tests.sign_in.provider import Provider

from .chromium import asked, open_at, settle

pytestmark = pytest.mark.browser
VIEW = {"window": "2026-03-02T10:00:00/2026-03-02T10:00:09", "zone": "Asia/Tokyo", "q": "order-7"}
LINK = "/events?window=2026-03-02T10%3A00%3A00%2F2026-03-02T10%3A00%3A09&zone=Asia%2FTokyo&q=order-7"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providers.running() as provider:
        yield provider


@pytest.fixture(scope="module")
def dashboard(
    browser: Browser, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    assert browser.is_connected()
    yield from serve(provider, tmp_path_factory.mktemp("signed"))


def _log_in(page: Page, user: str) -> None:
    expect(page.get_by_role("heading", name="Provider")).to_be_visible()
    page.get_by_label("User").fill(user)
    page.get_by_role("button", name="Log in").click()


def _sign_out(page: Page, user: str) -> None:
    page.get_by_test_id("stPopoverButton").and_(page.locator(".st-key-person button:visible")).click()
    expect(page.get_by_text(user)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_link_leads_over_the_provider_to_its_view(page: Page, dashboard: Running) -> None:
    page.goto(dashboard.url + LINK)
    _log_in(page, "anna")
    page.wait_for_url(f"{dashboard.url}/events?**")
    settle(page)
    assert asked(page) == VIEW
    expect(page.get_by_text("2026-03-02 19:00").first).to_be_visible()
    expect(page.get_by_role("link", name="SQL")).to_be_visible()

    _sign_out(page, "anna@shop.example")
    assert page.url == f"{dashboard.url}/oidc/signed-out"
    page.get_by_role("link", name="Sign out of 127.0.0.1 as well").click()
    page.goto(dashboard.url + LINK)
    _log_in(page, "ben")
    page.wait_for_url(f"{dashboard.url}/events?**")
    settle(page)
    assert asked(page) == VIEW
    expect(page.get_by_role("link", name="SQL")).to_have_count(0)
    open_at(page, f"{dashboard.url}/sql?sql=SELECT+42+AS+answer")
    expect(page.get_by_text("You may look at everything here, but not ask SQL")).to_be_visible()
    expect(page.get_by_role("textbox", name="SQL")).to_have_count(0)
    _sign_out(page, "Ben@Shop.Example")


def test_page_whose_session_is_over_comes_back_by_itself(page: Page, dashboard: Running) -> None:
    page.goto(dashboard.url + LINK)
    _log_in(page, "anna")
    page.wait_for_url(f"{dashboard.url}/events?**")
    settle(page)
    page.evaluate("window.__old = true")
    # In another tab.
    status = page.evaluate("fetch('/oidc/sign-out', {method: 'POST'}).then(answer => answer.status)")
    assert status == 200
    page.wait_for_function("window.__old === undefined", timeout=30_000)
    settle(page)
    assert asked(page) == VIEW
