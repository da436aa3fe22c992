"""A browser whose every request is answered by the application in this process; what goes elsewhere is noted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route
from starlette.testclient import TestClient

SITE: Final = "https://post.timmero.example"
Scheme = Literal["light", "dark"]


@dataclass
class Visitor:
    """One person's browser. `strangers` are requests to others and whatever the browser complained about."""

    context: BrowserContext
    window: Page
    client: TestClient
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page of ours."""
        self.window.goto(f"{SITE}{path}")

    def answer(self, route: Route) -> None:
        """Pass a request on to the application."""
        request, parts = route.request, urlsplit(route.request.url)
        if not request.url.startswith(SITE):
            self.strangers.append(request.url)
            route.abort()
            return
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self.client.request(
            request.method, path, content=request.post_data_buffer, headers=_passed_on(request.headers)
        )
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        route.fulfill(status=answer.status_code, headers=headers, body=answer.content)


@contextmanager
def visiting(
    browser: Browser, client: TestClient, *, width: int = 1280, scheme: Scheme = "light", script: bool = False
) -> Iterator[Visitor]:
    """A fresh browser, by default without script."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=script
    )
    visitor = Visitor(context, context.new_page(), client)

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error" and "with a status of" not in message.text:
            visitor.strangers.append(message.text)

    context.route("**/*", visitor.answer)
    visitor.window.on("console", complain)
    yield visitor
    context.close()


def _passed_on(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in ("content-type", "accept-language")}
