"""Brings what the browser and the pooler tests need, and says what it does: `python -m tests.provision`.

Chromium and PgBouncer are used where they are installed. Otherwise they are installed where that needs no question: by
Playwright, or from the system's packages for root and for accounts with sudo without a password. What cannot be had is
an error in CI (the variable CI is set); elsewhere the tests that need it are skipped with the reason.

Tests ask `find_chromium()` and `find_pgbouncer()`; None means skip.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
INSTALL_SECONDS = 600

ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def find_chromium() -> str | None:
    """The Chromium to run: the system's, else Playwright's own."""
    installed = next(filter(None, map(_which, CHROMIUM_NAMES)), None)
    return installed or _existing(CHROMIUM_ON_MACOS) or _existing(_playwright_path())


def find_pgbouncer() -> str | None:
    return _which("pgbouncer")


def _which(name: str) -> str | None:
    """Servers are in directories that an ordinary account's PATH may not have."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def _existing(path: str) -> str | None:
    return path if path and Path(path).exists() else None


@functools.cache
def _playwright_path() -> str:
    """Where Playwright would keep its Chromium. Asked in another process: it may be asked only once in one."""
    answer = subprocess.run([sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def install_with_playwright() -> None:
    _run(sys.executable, "-m", "playwright", "install", "chromium")


def install_package(name: str) -> None:
    """From Debian's or Ubuntu's packages, if this account may install without being asked for a password."""
    if not shutil.which("apt-get"):
        return
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if rights and not (shutil.which("sudo") and _run("sudo", "-n", "true")):
        return
    apt = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    if _run(*apt, "update"):
        _run(*apt, "install", "--no-install-recommends", name)


def _run(*command: str) -> bool:
    print(f"    {' '.join(command)}", flush=True)
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False, timeout=INSTALL_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"    {error}", flush=True)
        return False


def provide(name: str, find: Callable[[], str | None], ways: list[tuple[str, Callable[[], None]]]) -> bool:
    """Try each way until `name` is found; print one line that says how it went."""
    tried = "installed"
    for way, install in ways:
        if find():
            break
        print(f"{name}: not here, trying {way}", flush=True)
        install()
        tried = f"brought by {way}"
    if found := find():
        print(f"{name}: {found} ({tried})", flush=True)
        return True
    print(f"{name}: could not be had; the tests that need it will be skipped", flush=True)
    return False


def main() -> int:
    """The exit code: 1 only in CI, where nothing may be skipped."""
    apt = "the system's packages"
    have = [
        provide(
            "Chromium",
            find_chromium,
            [("Playwright", install_with_playwright), (apt, lambda: install_package("chromium"))],
        ),
        provide("PgBouncer", find_pgbouncer, [(apt, lambda: install_package("pgbouncer"))]),
    ]
    if os.environ.get("CI") and not all(have):
        print("CI must run every test, so this is an error.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
