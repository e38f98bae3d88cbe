"""What the browser gets is ours or vendored, unaltered, and allowed by the CSP.

The policy has no 'unsafe-inline' and no 'unsafe-eval': an inline script, style
or handler would silently do nothing in production.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"
MANIFESTS = [STATIC / "vendor" / "VENDOR.json", ROOT / "tests" / "e2e" / "vendor" / "VENDOR.json"]

# Names of XML vocabularies; nothing is fetched from them.
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}

CAPTURE_PAGE = [
    "vendor/bootstrap.min.css",
    "css/tokens.css",
    "css/app.css",
    "vendor/htmx.min.js",
    "js/app.js",
    "js/csrf.js",
    "js/session.js",
    "js/session-state.js",
]
CAPTURE_BUDGET = 100_000 - 15_000  # the page itself has the rest


def _sha384(content: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def _entries() -> list[tuple[Path, dict[str, Any]]]:
    return [(manifest.parent, entry) for manifest in MANIFESTS for entry in json.loads(manifest.read_text())]


def _own_files() -> list[Path]:
    static = [
        path
        for path in STATIC.rglob("*")
        if path.suffix in {".css", ".js", ".svg", ".html"} and "vendor" not in path.parts
    ]
    return sorted(static + _templates())


def _templates() -> list[Path]:
    return sorted(path for path in TEMPLATES.rglob("*") if path.is_file())


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _without_comments(template: str) -> str:
    template = re.sub(r"{#.*?#}", "", template)
    return re.sub(r"{%\s*comment\b.*?{%\s*endcomment\s*%}", "", template, flags=re.DOTALL)


@pytest.mark.parametrize(("folder", "entry"), _entries(), ids=[entry["name"] for _, entry in _entries()])
def test_vendored_file_is_the_declared_one(folder: Path, entry: dict[str, Any]) -> None:
    content = (folder / entry["file"]).read_bytes()
    assert _sha384(content) == entry["sha384"]
    assert entry["version"]
    assert entry["licence"]
    assert (folder / entry["licence_file"]).read_text().strip()
    if removed := entry.get("removed_from_end"):
        # With the removed line put back it is the published file, byte for byte.
        assert _sha384(content + removed.encode()) == entry["sha384_as_published"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=_name)
def test_every_vendored_file_is_declared(manifest: Path) -> None:
    entries = json.loads(manifest.read_text())
    declared = {entry["file"] for entry in entries}
    present = {path.name for path in manifest.parent.iterdir() if path.suffix in {".js", ".css"}}
    assert present == declared


@pytest.mark.parametrize("path", _own_files(), ids=_name)
def test_no_third_party_address(path: Path) -> None:
    text = path.read_text()
    for namespace in NAMESPACES:
        text = text.replace(namespace, "")
    found = re.findall(r"(?:https?:|wss?:)//[^\s\"'<>)]+", text)
    found += re.findall(r"""(?:src|href|action|url\()\s*=?\s*["']?//[^\s"'<>)]+""", text)
    assert found == []


@pytest.mark.parametrize("path", _templates(), ids=_name)
def test_no_inline_code_or_style(path: Path) -> None:
    text = _without_comments(path.read_text())
    assert re.findall(r"<style\b", text, re.IGNORECASE) == []
    assert re.findall(r"<[^>]*\sstyle\s*=", text, re.IGNORECASE) == []
    assert re.findall(r"<[a-z][^>]*\son[a-z]+\s*=", text, re.IGNORECASE) == []
    assert re.findall(r"javascript:", text, re.IGNORECASE) == []
    for script in re.findall(r"<script\b[^>]*>.*?</script>", text, re.IGNORECASE | re.DOTALL):
        assert re.match(r"<script\b[^>]*\ssrc\s*=[^>]*>\s*</script>", script, re.IGNORECASE), script


@pytest.mark.parametrize("path", _templates(), ids=_name)
def test_no_htmx_feature_that_needs_eval(path: Path) -> None:
    text = _without_comments(path.read_text())
    assert re.findall(r"\bhx-on\b", text) == []
    assert re.findall(r"""\bhx-[a-z:-]+\s*=\s*["'](?:js|javascript):""", text) == []
    # A filter in brackets, as in hx-trigger="click[ctrlKey]", is evaluated.
    assert re.findall(r"""\bhx-trigger[a-z:]*\s*=\s*"[^"]*\[""", text) == []


def test_dark_colours_are_the_same_by_system_and_by_attribute() -> None:
    css = (STATIC / "css" / "tokens.css").read_text()

    def declarations(selector: str) -> list[str]:
        body = re.search(re.escape(selector) + r"\s*{([^}]*)}", css)
        assert body, selector
        return [line.strip() for line in body[1].splitlines() if line.strip()]

    by_attribute = declarations('[data-bs-theme="dark"]')
    assert by_attribute == declarations(":root:not([data-bs-theme])")
    # Every colour of the light theme has its dark one.
    light = declarations('[data-bs-theme="light"]')
    assert [line.split(":")[0] for line in light] == [line.split(":")[0] for line in by_attribute]


def test_first_load_of_the_capture_page_is_within_its_budget() -> None:
    sizes = {name: len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in CAPTURE_PAGE}
    assert sum(sizes.values()) <= CAPTURE_BUDGET, sizes
