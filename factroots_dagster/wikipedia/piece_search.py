"""The paper's matcher: a label's wordpieces as a plain substring of a text's, within one chunk of 512.

Texts are not tokenized: they are cut into words where the tokenizer itself cuts them, and the pieces of a
word are asked for once (2 to 4 times faster, and the same pieces, since no piece crosses a word).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.tokens import edges_when_joined

CHUNK_PIECES = 512
CACHED_WORDS = 2_000_000

UNKNOWN_CLASS, BLANK, WORD, ALONE = range(4)
"""What the tokenizer makes of a character between two letters; ALONE is a word of its own."""

Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def read_tokenizer(source: Path) -> str:
    """The text of the `tokenizer.json` in the checkpoint folder `source`.

    Raises InputError when there is none, or it is of a kind whose pieces cannot be had word by word.
    """
    path = source / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"{source} has no tokenizer.json. Remedy: save its tokenizer as a fast one.")
    text = path.read_text("utf-8")
    try:
        kinds = pre_tokenizers(json.loads(text).get("pre_tokenizer"))
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} is no tokenizer.json ({error}). Remedy: save the tokenizer again.") from error
    if kinds not in (["BertPreTokenizer"], ["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise InputError(
            f"{path}: a tokenizer that cuts words by {' and '.join(kinds) or 'nothing'} has no pieces that "
            "can be told word by word. Remedy: use a checkpoint with wordpieces (BERT) or sentence pieces "
            "(XLM-R), or leave wordpiece_checkpoint empty."
        )
    return text


def pre_tokenizers(described: Any) -> list[str]:
    """Types of the pre-tokenizers in a tokenizer.json, in order."""
    if described is None:
        return []
    if described["type"] == "Sequence":
        return [kind for each in described["pretokenizers"] for kind in pre_tokenizers(each)]
    return [described["type"]]


class PieceSearch:
    """Looks for the pieces of labels in texts. `unknown[d]`: label d holds a piece the tokenizer lacks."""

    def __init__(self, tokenizer_json: str, labels: Sequence[str]) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_str(tokenizer_json)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        # "[MASK]" in a text is three words, as for any other text.
        self.tokenizer.encode_special_tokens = True
        self.classes = np.zeros(0x110000, dtype=np.uint8)
        self.forget()
        unknown_id = self.unknown_id()
        encoded = self.tokenizer.encode_batch([label.strip() for label in labels], add_special_tokens=False)
        self.unknown = np.array([unknown_id in encoding.ids for encoding in encoded], dtype=bool)
        forms = [self.joined(encoding.ids) for encoding in encoded]
        distinct = sorted({form for form in forms if form})
        place = {form: number for number, form in enumerate(distinct)}
        numbers = np.array([place.get(form, -1) for form in forms], dtype=np.int64)
        # Labels of form p are by_form[first[p]] to by_form[first[p + 1]].
        self.by_form = np.argsort(numbers, kind="stable")
        self.first = np.searchsorted(numbers[self.by_form], np.arange(len(distinct) + 1))
        self.automaton = AhoCorasick(
            distinct, matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA
        )

    def unknown_id(self) -> int | None:
        """Id of the piece that stands for what the tokenizer lacks."""
        model = json.loads(self.tokenizer.to_str())["model"]
        if model.get("unk_id") is not None:
            return int(model["unk_id"])
        return self.tokenizer.token_to_id(model.get("unk_token") or "")

    def joined(self, ids: Sequence[int]) -> str:
        return " ".join([self.tokenizer.id_to_token(number) or "" for number in ids])

    def forget(self) -> None:
        """Empty the cache of words."""
        self.index: dict[str, int] = {}
        self.strings: list[str] = []
        self.counts = np.zeros(0, dtype=np.int64)
        self.lengths = np.zeros(0, dtype=np.int64)

    def learn(self, words: set[str]) -> None:
        """Ask for the pieces of words that are not cached."""
        asked = sorted(words)
        encoded = self.tokenizer.encode_batch(asked, add_special_tokens=False)
        strings = [self.joined(encoding.ids) for encoding in encoded]
        for number, word in enumerate(asked, len(self.strings)):
            self.index[word] = number
        self.strings += strings
        counts = np.array([len(encoding.ids) for encoding in encoded], dtype=np.int64)
        self.counts = np.concatenate([self.counts, counts])
        self.lengths = np.concatenate([self.lengths, [len(string) for string in strings]])

    def classes_of(self, codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """The class of every character; the tokenizer is asked about each of them once."""
        kinds = self.classes[codes]
        if (kinds == UNKNOWN_CLASS).any():
            for code in np.unique(codes[kinds == UNKNOWN_CLASS]).tolist():
                self.classes[code] = self.class_of(chr(code))
            kinds = self.classes[codes]
        return kinds

    def class_of(self, character: str) -> int:
        text = f"a{character}b"
        if self.tokenizer.normalizer is not None:
            text = self.tokenizer.normalizer.normalize_str(text)
        words = [word for word, _ in self.tokenizer.pre_tokenizer.pre_tokenize_str(text)]
        return {1: WORD, 2: BLANK}.get(len(words), ALONE)

    def find(self, texts: Sequence[str], list_lines: Sequence[Sequence[int]]) -> Found:
        """Where labels stand: page (index into `texts`), label, start, end, chunk, each int64 [n].

        `list_lines` are the numbers of each text's lines that do not count. Start and end are code points
        of the stored text: those of the words in which the match begins and ends. Chunks of 512 pieces are
        counted from 0 in each text without its list lines; no match crosses their borders.
        """
        whole = "\n".join(texts)
        page_starts, _ = edges_when_joined(texts)
        starts, ends = self.words(whole)
        starts, ends = outside_lists(whole, page_starts, list_lines, starts, ends)
        numbers = self.numbers([whole[s:e] for s, e in zip(starts.tolist(), ends.tolist(), strict=True)])
        kept = self.counts[numbers] > 0
        numbers, starts, ends = numbers[kept], starts[kept], ends[kept]
        page = np.searchsorted(page_starts, starts, side="right") - 1
        joined, places, borders = self.in_chunks(numbers, page)
        matches = self.automaton.find_matches_as_indexes(joined, overlapping=True)
        form, first, last = (
            np.fromiter(chain.from_iterable(matches), dtype=np.int64, count=3 * len(matches)).reshape(-1, 3).T
        )
        word, until = (np.searchsorted(places, at, side="right") - 1 for at in (first, last - 1))
        counts = np.diff(self.first)[form]
        again = np.repeat(np.arange(len(form)), counts)
        ends_of_runs = np.cumsum(counts)
        within = np.arange(len(again)) - np.repeat(ends_of_runs - counts, counts)
        label = self.by_form[self.first[form][again] + within]
        # Every chunk begins with a border, the first of a page as well.
        page_of = page[word] if len(word) else word
        chunk = np.searchsorted(borders, first, side="right") - 1
        first_of_page = np.searchsorted(borders, places[np.searchsorted(page, page_of)], side="right") - 1
        origin = page_starts[page_of] if len(word) else word
        return (
            page_of[again],
            label,
            (starts[word] - origin)[again],
            (ends[until] - origin)[again],
            (chunk - first_of_page)[again],
        )

    def words(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the tokenizer's words of `text` start and end, both [words]."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        kinds = self.classes_of(codes)
        inside = np.zeros(len(kinds) + 2, dtype=bool)
        inside[1:-1] = kinds == WORD
        alone = kinds == ALONE
        begins = (inside[1:-1] & ~inside[:-2]) | alone
        stops = (inside[1:-1] & ~inside[2:]) | alone
        return np.flatnonzero(begins), np.flatnonzero(stops) + 1

    def numbers(self, words: list[str]) -> NDArray[np.int64]:
        """The numbers of words in the cache, [words]."""
        if len(self.index) > CACHED_WORDS:
            self.forget()
        new = set(words).difference(self.index)
        if new:
            self.learn(new)
        return np.fromiter(map(self.index.__getitem__, words), dtype=np.int64, count=len(words))

    def in_chunks(
        self, numbers: NDArray[np.int64], page: NDArray[np.int64]
    ) -> tuple[str, NDArray[np.int64], NDArray[np.int64]]:
        """All pieces joined by spaces, a line end before every chunk; where words and chunks begin in it."""
        counts = self.counts[numbers]
        after = np.cumsum(counts)
        new_page = np.ones(len(numbers), dtype=bool)
        new_page[1:] = page[1:] != page[:-1]
        before = after - counts
        firsts = np.flatnonzero(new_page)
        # Pieces of the same page before and up to the word's last.
        before = before - np.repeat(before[firsts], np.diff(np.append(firsts, len(numbers))))
        last = before + counts - 1
        strings = [self.strings[number] for number in numbers.tolist()]
        lengths = self.lengths[numbers]
        opens = before % CHUNK_PIECES == 0
        for word in np.flatnonzero(opens).tolist():
            strings[word] = "\n" + strings[word]
        lengths = lengths + opens
        places = np.append(0, np.cumsum(lengths + 1)[:-1])
        borders = [places[opens]]
        for word in np.flatnonzero(before // CHUNK_PIECES != last // CHUNK_PIECES).tolist():
            pieces = strings[word].split(" ")
            inner = range(CHUNK_PIECES - int(before[word]) % CHUNK_PIECES, len(pieces), CHUNK_PIECES)
            at = np.cumsum([len(piece) + 1 for piece in pieces])
            text = list(strings[word])
            for number in inner:
                text[at[number - 1] - 1] = "\n"
                borders.append(np.array([places[word] + at[number - 1] - 1]))
            strings[word] = "".join(text)
        return " ".join(strings), places, np.sort(np.concatenate(borders))


def outside_lists(
    text: str,
    page_starts: NDArray[np.int64],
    list_lines: Sequence[Sequence[int]],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the words [starts, ends) those that stand in no list line of their page."""
    if not any(list_lines):
        return starts, ends
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    line_ends = np.flatnonzero(codes == 10)
    first_line = np.searchsorted(line_ends, page_starts)
    is_list = np.zeros(len(line_ends) + 1, dtype=bool)
    counts = np.array([len(lines) for lines in list_lines], dtype=np.int64)
    lines = np.fromiter(chain.from_iterable(list_lines), dtype=np.int64, count=int(counts.sum()))
    is_list[np.repeat(first_line, counts) + lines] = True
    kept = ~is_list[np.searchsorted(line_ends, starts)]
    return starts[kept], ends[kept]


_made: dict[bytes, PieceSearch] = {}


def piece_search(tokenizer_json: str, labels: list[str]) -> PieceSearch:
    """The search for `labels` with the tokenizer of this text, made once per worker (the last is kept)."""
    digest = hashlib.sha256("\n".join([tokenizer_json, *labels]).encode()).digest()
    if digest not in _made:
        _made.clear()
        _made[digest] = PieceSearch(tokenizer_json, labels)
    return _made[digest]
