"""Tables that are read when they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa


class LazyTables(Mapping[str, pa.Table]):
    """Tables by language, each read at every access and not kept: all of them may not fit in memory."""

    def __init__(self, languages: Iterable[str], read: Callable[[str], pa.Table]) -> None:
        self._languages = tuple(languages)
        self._read = read

    def __getitem__(self, language: str) -> pa.Table:
        if language not in self._languages:
            raise KeyError(language)
        return self._read(language)

    def __iter__(self) -> Iterator[str]:
        return iter(self._languages)

    def __len__(self) -> int:
        return len(self._languages)
