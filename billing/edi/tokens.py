"""An outbound file cut into segments and loops, strictly: only the separators and the layout our writer uses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from billing.edi.characters import COMPONENT, ELEMENT, TERMINATOR

ISA_LENGTH = 106
_PARENTS = {"20": "header", "22": "20", "23": "22"}  # HL03 of each level, and of the one above it
_ISA = re.compile(
    r"ISA\*00\* {10}\*00\* {10}\*[0-9A-Z]{2}\*[^*~]{15}\*[0-9A-Z]{2}\*[^*~]{15}"
    r"\*[0-9]{6}\*[0-9]{4}\*\^\*00501\*[0-9]{9}\*[01]\*[PT]\*:~"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; `ordinal` counts from ST = 1 in transaction `transaction` (ST02 if well formed), 0 outside one."""

    parts: tuple[str, ...]
    transaction: str = ""
    ordinal: int = 0

    @property
    def tag(self) -> str:
        """The segment id."""
        return self.parts[0]

    @property
    def name(self) -> str:
        """The segment id for a finding; what cannot be one is data of unknown kind and not repeated."""
        return self.tag if is_segment_id(self.tag) else "?"

    def get(self, element: int) -> str:
        """Element by its X12 number (1 is the first after the id), "" when it is not there."""
        return self.parts[element] if element < len(self.parts) else ""

    def components(self, element: int) -> list[str]:
        """A composite's components, [""] when it is not there."""
        return self.get(element).split(COMPONENT)

    def starts(self, *parts: str) -> bool:
        """True when id and first elements are these."""
        return self.parts[: len(parts)] == parts


@dataclass(slots=True)
class Loop:
    """A hierarchical level (`20`, `22`, `23`), a `claim`, an `other` payer, a `line`, or the `header` above them."""

    kind: str
    segments: list[Segment] = field(default_factory=list)
    children: list["Loop"] = field(default_factory=list)

    def all(self, *parts: str) -> list[Segment]:
        """This loop's own segments that start so."""
        return [segment for segment in self.segments if segment.starts(*parts)]

    def first(self, *parts: str) -> Segment | None:
        """The first of `all`."""
        return next(iter(self.all(*parts)), None)

    def entity(self, qualifier: str) -> "Loop | None":
        """One NM1 with what follows it up to the next NM1."""
        found: Loop | None = None
        for segment in self.segments:
            if segment.tag == "NM1" and found:
                return found
            if segment.starts("NM1", qualifier):
                found = Loop(qualifier)
            if found:
                found.segments.append(segment)
        return found

    def below(self, kind: str) -> "list[Loop]":
        """Children of one kind."""
        return [child for child in self.children if child.kind == kind]

    def walk(self) -> "Iterator[Loop]":
        """This loop and everything below, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()


def is_segment_id(text: str) -> bool:
    """Two or three capitals and digits, the first a capital."""
    return re.fullmatch(r"[A-Z][A-Z0-9]{1,2}", text) is not None


def is_set_number(text: str) -> bool:
    """The shape of ST02: four to nine digits."""
    return re.fullmatch(r"[0-9]{4,9}", text) is not None


def isa_is_sound(text: str) -> bool:
    """True when the file begins with a 106-character ISA in fixed widths and with the separators of this package."""
    return _ISA.fullmatch(text[:ISA_LENGTH]) is not None


def tokenize(text: str) -> list[Segment]:
    """Segments in order; line ends after a terminator are no data. What follows the last one is a segment."""
    found: list[Segment] = []
    transaction, ordinal = "", 0
    for raw in text.split(TERMINATOR):
        parts = tuple(raw.lstrip("\r\n").split(ELEMENT))
        if parts[0] == "ST":
            number = (*parts, "", "")[2]
            transaction, ordinal = number if is_set_number(number) else "", 0
        ordinal += 1
        inside = parts[0] not in ("ISA", "GS", "GE", "IEA")
        found.append(Segment(parts, transaction if inside else "", ordinal if inside else 0))
    return found if found[-1].parts != ("",) else found[:-1]


def transactions(segments: list[Segment]) -> list[list[Segment]]:
    """ST to SE of each transaction set, of a file whose envelope is in order."""
    sets: list[list[Segment]] = []
    for segment in segments:
        if segment.tag == "ST":
            sets.append([])
        if segment.ordinal:
            sets[-1].append(segment)
    return sets


class Tree:
    """The loops of one transaction set, and the segments that stood where no loop takes them."""

    def __init__(self, segments: list[Segment]) -> None:
        self.root = Loop("header")
        self.misplaced: list[Segment] = []
        self.orphans: list[Segment] = []
        self._open: dict[str, Loop] = {"header": self.root}
        self._current = self.root
        for segment in segments:
            self._place(segment)

    def _place(self, segment: Segment) -> None:
        match segment.tag:
            case "HL":
                self._level(segment)
            case "CLM":
                self._begin(segment, "claim", self._open.get("23") or self._open.get("22"))
            case "SBR" if self._current.kind in ("claim", "other"):
                self._begin(segment, "other", self._open.get("claim"))
            case "LX":
                self._begin(segment, "line", self._open.get("claim"))
            case _:
                if segment.tag == "SBR" and self._current.kind != "22":
                    self.misplaced.append(segment)
                self._current.segments.append(segment)

    def _level(self, segment: Segment) -> None:
        """HL02 must name the open level of the right kind: 20 none, 22 a 20, 23 a 22."""
        kind = segment.get(3)
        parent = self._open.get(_PARENTS.get(kind, ""))
        number = parent.segments[0].get(1) if parent and parent.kind != "header" else ""
        if parent is None or segment.get(2) != number:
            self.orphans.append(segment)
        for closed in ("claim", *(each for each in ("20", "22", "23") if each >= kind)):
            self._open.pop(closed, None)
        self._begin(segment, kind, parent)

    def _begin(self, segment: Segment, kind: str, parent: Loop | None) -> None:
        if parent is None:
            self.misplaced.append(segment)
        self._current = Loop(kind, [segment])
        (parent or self.root).children.append(self._current)
        self._open[kind] = self._current
