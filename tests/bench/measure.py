"""Clocks and statistics. CPU time is compared: a busy neighbour changes it little, the clock on the wall a lot."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Clock = Callable[[], float]


def server_clock(backend_pid: int) -> tuple[Clock, str]:
    """Seconds that one PostgreSQL backend has worked, and how that is known.

    Linux counts nanoseconds for each process. Elsewhere there is only the wall, which then counts waiting as work.
    """
    file = Path(f"/proc/{backend_pid}/schedstat")
    if file.exists():
        return lambda: int(file.read_text().split()[0]) / 1e9, "CPU time"
    return time.perf_counter, "time on the wall: this system tells no CPU time of another process"


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(statistics.fmean(logs)) if logs else math.nan


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


def ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """Of the medians; not a number when either is missing."""
    below = median(those)
    return median(these) / below if below else math.nan
