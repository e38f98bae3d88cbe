"""What browser tests share: how Chromium is started, what counts as an error of a page, accessibility."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError

AXE = Path(__file__).resolve().parents[1] / "e2e" / "vendor" / "axe.min.js"
# Quiet: a browser that talks to nobody but the server under test.
ARGUMENTS = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# A refused request (a form with errors, a record of nobody's) is an answer, not a fault of the page.
ANSWER = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


def launch_arguments(executable: str) -> dict[str, Any]:
    """For Playwright's launch(). Chromium's sandbox does not work for root."""
    return {"executable_path": executable, "args": [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]}


def watch(context: BrowserContext, errors: list[str]) -> None:
    """Appends to `errors` what the context's pages report: broken policy, uncaught exceptions, logged errors."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not (
            ANSWER.match(message.text) and "/static/" not in message.location.get("url", "")
        ):
            errors.append(f"{message.page.url if message.page else ''}: {message.text}")

    def on_error(error: WebError) -> None:
        errors.append(f"{error.page.url if error.page else ''}: {error.error}")

    context.on("console", on_console)
    context.on("weberror", on_error)


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds on the page as it is now, for WCAG 2.2 AA: one line for each rule and element."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: {node['html']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
