"""What a page costs: CPU time of application and database together, and its statements.

Requests go through the whole middleware with the web session, the context and the audit row, in turns with the floor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape

from tests.bench.catalogue import CLIENT_LIST, CLIENT_PAGE, CLIENT_SEARCH, PAGES, Clinic, Clinics, Page
from tests.bench.driver import Worker
from tests.bench.measure import median, ratio
from tests.bench.report import Line, Report
from tests.bench.worker import Request, Samples

SECTION = "pages"
FAR_PAGE = 400
LIST_TARGET, PAGE_TARGET = 0.5, 2.5
FLOOR_PATHS = {
    "empty view": "/empty/",
    "empty page": "/empty/page/",
    "list": "/clients/",
    "our columns": "/clients/plain/",
}
NEXT_LINK = re.compile(r'<a[^>]*rel="next"[^>]*>', re.DOTALL)
HREF = re.compile(r'href="([^"]*)"')


@dataclass(slots=True)
class Subject:
    """Something whose cost is measured."""

    worker: Worker
    request: Request
    application: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    status: int = 0

    def take(self, samples: Samples) -> None:
        self.application += samples.application
        self.database += samples.database
        self.status = samples.status

    @property
    def cost(self) -> list[float]:
        """Milliseconds of CPU, application plus database, of each request."""
        return [one + other for one, other in zip(self.application, self.database, strict=True)]

    def describe(self) -> str:
        return f"{median(self.cost):.2f} ms = {median(self.application):.2f} app + {median(self.database):.2f} database"


def interleave(subjects: Iterable[Subject], *, rounds: int, times: int) -> None:
    """Measures everything in turns, so that a busy minute of the machine meets all alike."""
    measured = list(subjects)
    for subject in measured:
        subject.worker.measure(subject.request, times)  # warm
    for turn in range(rounds):
        for subject in measured if turn % 2 else reversed(measured):
            subject.take(subject.worker.measure(subject.request, times))


@dataclass(slots=True)
class Pages:
    """The measurement of this section."""

    worker: Worker
    floor: Worker
    clinics: Clinics
    report: Report
    rounds: int
    times: int

    def run(self) -> None:
        self.report.title("Pages: CPU time of application and database, audit and web session on")
        self.report.say(f"The database's part is {self.worker.method}. Milliseconds are for information.")
        self._against_the_floor()
        self._every_page()
        self._growing_lists()

    # against the floor -----------------------------------------------------------------------------------------------

    def _against_the_floor(self) -> None:
        """The list has a target where it has 50 rows: in the largest clinic, and in one with nothing but clients."""
        many = self.clinics.with_clients[max(self.clinics.with_clients)]
        for clinic, list_target, page_target in (
            (self.clinics.largest, LIST_TARGET, PAGE_TARGET),
            (self.clinics.median, None, PAGE_TARGET),
            (many, None, None),
        ):
            floor = {name: self._floor(clinic, path) for name, path in FLOOR_PATHS.items()}
            listed, opened = self._subject(clinic, CLIENT_LIST), self._subject(clinic, CLIENT_PAGE)
            found = [subject for subject in (listed, opened) if subject]
            interleave([*floor.values(), *found], rounds=self.rounds * 2, times=self.times)
            for name, subject in floor.items():
                self.report.say(f"Floor ({clinic.title}), {name}: {subject.describe()}")
            self._compare(f"Client list ({clinic.title}) / floor's list", listed, floor["list"], list_target)
            self._compare(f"Client list ({clinic.title}) / floor's list of our columns", listed, floor["our columns"])
            self._compare(
                f"Client page ({clinic.title}) / floor's empty view", opened, floor["empty view"], page_target
            )
            self._compare(f"Client page ({clinic.title}) / floor's empty page", opened, floor["empty page"])
            self._compare(f"Client page ({clinic.title}) / floor's list", opened, floor["list"])

    def _compare(self, what: str, subject: Subject | None, floor: Subject, target: float | None = None) -> None:
        if subject is None or subject.status != 200:
            note = "not there" if subject is None else f"answered {subject.status}"
            self.report.add(Line(SECTION, what, None, target, note=note))
            return
        self.report.add(Line(SECTION, what, ratio(subject.cost, floor.cost), target, note=subject.describe()))

    # statements ------------------------------------------------------------------------------------------------------

    def _every_page(self) -> None:
        self.report.say("\nStatements of each page, BEGIN and COMMIT included:")
        growing: list[str] = []
        for page in PAGES:
            counts = {clinic.title: self._count(clinic, page) for clinic in self._three_clinics()}
            known = [count for count in counts.values() if count]
            if len(set(known)) > 1:
                growing.append(f"{page.title} {counts}")
            self.report.add(
                Line(SECTION, page.title, max(known) if known else None, page.budget, unit="", note=self._cost(page))
            )
        self.report.add(
            Line(SECTION, "Pages whose statements grow with rows", len(growing), 0, unit="", note="; ".join(growing))
        )

    def _three_clinics(self) -> tuple[Clinic, ...]:
        return self.clinics.largest, self.clinics.median, self.clinics.smallest

    def _count(self, clinic: Clinic, page: Page) -> int | None:
        request = clinic.request(self.worker, page)
        if request is None or self.worker.get(request).status != 200:
            return None
        return len(self.worker.statements(request))

    def _cost(self, page: Page) -> str:
        notes = []
        for clinic in (self.clinics.largest, self.clinics.median):
            subject = self._subject(clinic, page)
            if subject and self.worker.get(subject.request).status == 200:
                interleave([subject], rounds=2, times=self.times)
            if subject is None or not subject.status:
                notes.append(f"{clinic.title}: {'nothing to open' if subject is None else 'failed'}")
            else:
                notes.append(f"{clinic.title}: {subject.describe()}")
        return "; ".join(notes)

    # lists that grow -------------------------------------------------------------------------------------------------

    def _growing_lists(self) -> None:
        counts = sorted(self.clinics.with_clients)
        one, fewer, more = (self.clinics.with_clients[count] for count in (counts[0], *counts[-2:]))
        self.report.say(f"\nThe client list as it grows; page {FAR_PAGE} is reached by its own links:")
        first = {clinic.title: self._subject(clinic, CLIENT_LIST) for clinic in (fewer, more)}
        far = {clinic.title: self._far(clinic) for clinic in (fewer, more)}
        search = {clinic.title: self._subject(clinic, CLIENT_SEARCH) for clinic in (fewer, more)}
        subjects = [subject for kind in (first, far, search) for subject in kind.values() if subject]
        interleave(subjects, rounds=self.rounds * 2, times=self.times)
        for clinic in (fewer, more):
            self._compare_two(
                f"Last page of {clinic.title} up to {FAR_PAGE} / page 1", far[clinic.title], first[clinic.title], 1.1
            )
        for what, kind in (("List", first), (f"List, page {FAR_PAGE}", far), ("Search", search)):
            self._compare_two(f"{what}: {more.title} / {fewer.title}", kind[more.title], kind[fewer.title], 1.2)
        rows = {clinic.title: self._count(clinic, CLIENT_LIST) for clinic in (one, fewer)}
        grown = float(len(set(rows.values())) - 1)
        self.report.add(
            Line(SECTION, "List: further statements for 50 rows than for 1", grown, 0, unit="", note=str(rows))
        )

    def _compare_two(self, what: str, these: Subject | None, those: Subject | None, target: float) -> None:
        if these is None or those is None or {these.status, those.status} != {200}:
            self.report.add(Line(SECTION, what, None, target, note="not there"))
            return
        self.report.add(Line(SECTION, what, ratio(these.cost, those.cost), target, note=f"{median(these.cost):.2f} ms"))

    def _far(self, clinic: Clinic) -> Subject | None:
        """Page 400, or the last one, reached as a person would: by the link to the next page."""
        request = clinic.request(self.worker, CLIENT_LIST)
        for _ in range(FAR_PAGE - 1):
            if request is None:
                return None
            link = NEXT_LINK.search(self.worker.get(request).body.decode())
            if link is None:
                break
            address = HREF.search(link[0])
            assert address
            path = request.path.partition("?")[0]
            following = unescape(address[1])
            request = Request(path + following if following.startswith("?") else following, request.cookie)
        return Subject(self.worker, request) if request else None

    # subjects --------------------------------------------------------------------------------------------------------

    def _subject(self, clinic: Clinic, page: Page) -> Subject | None:
        request = clinic.request(self.worker, page)
        return Subject(self.worker, request) if request else None

    def _floor(self, clinic: Clinic, path: str) -> Subject:
        return Subject(self.floor, Request(path, clinic.cookie(self.floor)))
