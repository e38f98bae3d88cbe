"""Asks one server for one page over many connections: `python -m tests.bench.load`, a process of its own.

Reads one line of JSON: address, port, the request's bytes, connections, seconds. Prints one: answers, seconds,
failures. Each connection asks again as soon as it has its answer, and stays open, as behind a proxy. Everything of HTTP
that a good server does not need is left out: it shares the machine with what it measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Count:
    answers: int = 0
    failures: int = 0
    seconds: float = 0.0


async def ask(host: str, port: int, request: bytes, until: float, count: Count) -> None:
    """Asks until it is time to stop; a connection that the server ends is opened again."""
    while time.perf_counter() < until:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            while time.perf_counter() < until:
                writer.write(request)
                status, goes_on = await read_answer(reader)
                if status == 200:
                    count.answers += 1
                else:
                    count.failures += 1
                if not goes_on:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            count.failures += 1
        finally:
            writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of an answer, and whether the connection stays open after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.index(b"content-length:") + len(b"content-length:")
    await reader.readexactly(int(head[length : head.index(b"\r\n", length)]))
    return int(head.split(b" ", 2)[1]), b"connection: close" not in head


async def run(host: str, port: int, request: bytes, connections: int, seconds: float) -> Count:
    count = Count()
    began = time.perf_counter()
    await asyncio.gather(*(ask(host, port, request, began + seconds, count) for _ in range(connections)))
    count.seconds = time.perf_counter() - began
    return count


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    count = asyncio.run(
        run(wanted["host"], wanted["port"], wanted["request"].encode(), wanted["connections"], wanted["seconds"])
    )
    print(json.dumps(asdict(count)))


if __name__ == "__main__":
    main()
