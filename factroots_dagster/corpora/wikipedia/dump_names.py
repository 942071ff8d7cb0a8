"""Names of dump files as Wikimedia gives them: parsing them, and selecting one complete dump of many files.

Nothing here opens a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LATEST = "latest"
READABLE = ("bz2", "gz", "zst", "")
COMPRESSIONS = (*READABLE, "xz", "7z")
NAME = re.compile(
    r"(?P<wiki>[a-z0-9_]{1,60}wiki)-(?P<snapshot>[0-9]{8}|latest)-pages-articles"
    r"(?P<streams>-multistream)?(?P<part>[0-9]{0,6})\.xml(?P<range>-p[0-9]{1,18}p[0-9]{1,18})?"
    r"(?:\.(?P<compression>bz2|gz|zst|xz|7z))?"
)


@dataclass(frozen=True)
class DumpName:
    """The parts of a dump file's name.

    `part` is the number of a numbered part and `pages` its range of page ids as in the name (`-p1p10`); they
    are 0 and empty for a dump in one file.
    """

    name: str
    wiki: str
    snapshot: str
    multistream: bool
    part: int
    pages: str
    compression: str

    @classmethod
    def parse(cls, name: str) -> DumpName | None:
        """Parse a file's name; None when it is not that of a dump of articles."""
        match = NAME.fullmatch(name)
        if match is None:
            return None
        wiki, snapshot, streams, part, pages, compression = match.groups(default="")
        return cls(name, wiki, snapshot, bool(streams), int(part or 0), pages, compression)

    @property
    def numbered(self) -> bool:
        """Whether the file is one of several parts of a dump."""
        return bool(self.part or self.pages)

    @property
    def readable(self) -> bool:
        """Whether this project can decompress the file."""
        return self.compression in READABLE

    @property
    def order(self) -> tuple[int, int]:
        """Sort key of a numbered part: `...2.xml-p11p20` comes before `...10.xml-p91p99`."""
        first_page = re.match(r"-p([0-9]+)", self.pages)
        return self.part, int(first_page[1]) if first_page else 0

    @property
    def indexes(self) -> list[str]:
        """Names that a multistream file's index may have; Wikimedia's is the first."""
        if not self.multistream:
            return []
        number = self.part or ""
        stem = f"{self.wiki}-{self.snapshot}-pages-articles-multistream-index{number}.txt{self.pages}"
        return [f"{stem}.{compression}" if compression else stem for compression in READABLE]


def database_prefix(language: str) -> str:
    """How dump files name a language: `zh_yue` for the language code `zh-yue`."""
    return language.lower().replace("-", "_")


def parse_dump_names(language: str, names: Iterable[str]) -> list[DumpName]:
    """The dump files of a language's Wikipedia among `names`; other names are ignored."""
    dumps = (DumpName.parse(name) for name in names)
    return [dump for dump in dumps if dump is not None and dump.wiki == f"{database_prefix(language)}wiki"]


def select_complete_dump(dumps: Iterable[DumpName]) -> list[DumpName]:
    """Of the files of one snapshot those that make up one complete dump, in order, no page twice.

    Readable files are preferred to others, one file to numbered parts, a single stream to many, and of
    the same part in several compressions the first of bz2, gz, zst and none.
    """

    def preference(dump: DumpName) -> tuple[bool, bool, bool]:
        return not dump.readable, dump.numbered, dump.multistream

    dumps = sorted(dumps, key=lambda dump: COMPRESSIONS.index(dump.compression))
    best = min(map(preference, dumps), default=None)
    selected: dict[tuple[int, int], DumpName] = {}
    for dump in dumps:
        if preference(dump) == best:
            selected.setdefault(dump.order, dump)
    return [selected[order] for order in sorted(selected)]
