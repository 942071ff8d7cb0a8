"""From a row of a corpus's file to a document, or to what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from factroots_dagster.corpora.collection.choices import OPTIONAL, Reading
from factroots_dagster.corpora.collection.records import Shard, value_of

CORPUS_SHIFT, SHARD_SHIFT = 52, 32
MAX_CORPORA, MAX_SHARDS = 2**11 - 1, 2**20
"""A page id has 11 bits for the number of the corpus, 20 for that of the file, 32 for that of the row."""

LONGEST_VALUE = 1000
"""Characters of an identifier or an address that are kept; longer addresses are left out."""


class Document(NamedTuple):
    """A document as it is written. title: its identifier in the corpus. url: http, https or None."""

    page_id: int
    title: str
    url: str | None
    text: str
    weight: int


class OtherLanguage(NamedTuple):
    """A document in another language, with its code."""

    code: str


@dataclass(frozen=True)
class DocumentReader:
    """Turns rows into documents of one corpus in one language.

    corpus_number: of the corpus among those of the language, from 1 on. codes: those of the language.
    """

    corpus_number: int
    codes: frozenset[str]
    reading: Reading

    def read(self, shard: Shard, row: int, values: Mapping[str, Any] | str) -> Document | OtherLanguage | str:
        """The document in a row, the code of its language if it is another, or what is wrong with it."""
        if isinstance(values, str):
            return values
        if self.reading.language and (code := self._value(values, "language")) is not None:
            code = str(code[0] if isinstance(code, list) and code else code)
            if code not in self.codes:
                return OtherLanguage(code[:LONGEST_VALUE])
        text, weight = self._value(values, "text"), self._value(values, "weight")
        if not isinstance(text, str):
            return f"no text in {self.reading.text!r}"
        if not self.reading.weight or (weight is None and self.reading.weight.endswith(OPTIONAL)):
            weight = 1
        elif isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 1 or weight % 1:
            return f"the weight {weight!r:.40} in {self.reading.weight!r} is no whole number from 1 on"
        if self.reading.newlines == "escaped":
            text = text.replace("\\n", "\n")
        title, url = self._value(values, "id"), self._value(values, "url")
        page_id = (self.corpus_number << CORPUS_SHIFT) | (shard.number << SHARD_SHIFT) | (row + 1)
        return Document(
            page_id,
            f"{shard.file}:{row + 1}" if title in (None, "") else encodable(str(title)[:LONGEST_VALUE]),
            url if isinstance(url, str) and is_address(url) else None,
            encodable(text),
            int(weight),
        )

    def _value(self, values: Mapping[str, Any], name: str) -> Any:
        column: str = getattr(self.reading, name)
        return value_of(values, column.removesuffix(OPTIONAL)) if column else None


def is_address(url: str) -> bool:
    """Whether a page may link to an address: nothing but http and https, and nothing that is no address."""
    return (
        url.startswith(("http://", "https://"))
        and len(url) <= LONGEST_VALUE
        and url.isprintable()
        and not any(character in url for character in " <>\"'\\")
    )


def encodable(text: str) -> str:
    """A text with replacement characters for lone surrogates, which JSON can hold and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
