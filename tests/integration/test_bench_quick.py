"""The benchmark runs, small: its figures mean nothing then, but every section has them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.postgres import PROJECT

pytestmark = pytest.mark.soak


def test_every_section_is_measured(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    outcome = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", f"--json={figures}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    assert outcome.returncode == 0, outcome.stderr[-4000:]
    lines = json.loads(figures.read_text())["lines"]
    assert {line["section"] for line in lines} == {"queries", "reservations", "pages", "throughput"}
    missing = [line["what"] for line in lines if line["verdict"] == "MISSING"]
    assert not missing, outcome.stdout[-4000:]
