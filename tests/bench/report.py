"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

MET, MISSED, MISSING, INFORMATION = "ok", "MISSED", "MISSING", ""
WIDTH = 66


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. `target` is in the same unit as `value`; without one the figure is information."""

    section: str
    what: str
    value: float | None
    target: float | None = None
    at_least: bool = False
    unit: str = "×"
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return INFORMATION
        if self.value is None or math.isnan(self.value):
            return MISSING
        met = self.value >= self.target if self.at_least else self.value <= self.target
        return MET if met else MISSED


@dataclass(slots=True)
class Report:
    """Prints each line as soon as it is known, and keeps it."""

    out: TextIO = sys.stdout
    facts: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def title(self, text: str) -> None:
        print(f"\n{text}\n{'─' * len(text)}", file=self.out, flush=True)

    def say(self, text: str) -> None:
        print(text, file=self.out, flush=True)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        target = "" if line.target is None else f"{'≥' if line.at_least else '≤'} {_figure(line.target, line.unit)}"
        value = "–" if line.value is None else _figure(line.value, line.unit)
        text = f"{line.what:<{WIDTH}} {value:>12} {target:>10} {line.verdict:<7} {line.note}"
        print(text.rstrip(), file=self.out, flush=True)

    @property
    def missed(self) -> list[Line]:
        return [line for line in self.lines if line.verdict in {MISSED, MISSING}]

    def summarise(self) -> None:
        self.title("Result")
        judged = [line for line in self.lines if line.target is not None]
        self.say(f"{len(judged) - len(self.missed)} of {len(judged)} targets are met.")
        for line in self.missed:
            self.say(f"  {line.verdict}: {line.section}: {line.what}")

    def as_json(self) -> dict[str, Any]:
        lines = [{**asdict(line), "verdict": line.verdict} for line in self.lines]
        for line in lines:
            if line["value"] is not None and math.isnan(line["value"]):
                line["value"] = None
        return {"facts": self.facts, "lines": lines}


def _figure(value: float, unit: str) -> str:
    if math.isnan(value):
        return "–"
    if unit == "×":
        return f"{value:.2f}×"
    text = f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.2f}"
    return f"{text} {unit}".strip()
