"""Labels in a text as the paper looks for them: their wordpieces as a plain substring of the text's.

Pieces are joined by spaces and compared as they are, so that a label also stands in longer words ("New York"
in "New York ##er", "ab" in "cab"), and a label with an unknown piece stands wherever any unknown piece does
(see UNREADABLE). A match lies within one chunk of CHUNK_PIECES pieces of the text without its list items.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.text.code_points import codes_of
from factroots_dagster.text.symbols import SymbolSearch
from factroots_dagster.text.tokens import edges_when_joined
from factroots_dagster.text.wordpieces.word_tokenizer import PIECE, PiecesOfWords, Words, WordTokenizer

CHUNK_PIECES = 512
BORDER = 0
"""Stands in place of PIECE's number before the first piece of a chunk; the number of no pattern's letter."""

UNREADABLE = 100
"""Where more labels than this are nothing but unknown pieces, the tokenizer does not know their script; each
would stand at every word, so they are not looked for."""

Matches = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class PieceSearch:
    """Finds the wordpieces of many labels in texts. Make it with `piece_search`."""

    def __init__(self, tokenizer: WordTokenizer, labels: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        starts, ends = edges_when_joined(stripped := [label.strip() for label in labels])
        words = tokenizer.words("\n".join(stripped), ends[:-1])
        pieces = tokenizer.pieces(words.distinct, {words[place] for place in words.whole.tolist()})
        strange = tokenizer.unknown_pieces({piece for word in pieces for piece in word.split(PIECE)} - {""})
        self.unknown: NDArray[np.bool_] = np.zeros(len(labels), dtype=bool)
        """Whether a label holds a piece that the tokenizer does not know, shape [labels]."""
        in_order = [pieces[number] for number in words.number.tolist()]
        edges = np.searchsorted(words.starts, np.append(starts, ends[-1:])).tolist()
        of_pattern: dict[str, list[int]] = {}
        for number, (first, last) in enumerate(itertools.pairwise(edges)):
            if pattern := "".join(in_order[first:last]).removeprefix(PIECE):
                of_pattern.setdefault(pattern, []).append(number)
                self.unknown[number] = not strange.isdisjoint(pattern.split(PIECE))
        unreadable = {pattern for pattern in of_pattern if strange.issuperset(pattern.split(PIECE))}
        if sum(len(of_pattern[pattern]) for pattern in unreadable) > UNREADABLE:
            of_pattern = {key: found for key, found in of_pattern.items() if key not in unreadable}
        lengths = np.fromiter(map(len, of_pattern), np.int64, len(of_pattern))
        self._search = SymbolSearch(codes_of("".join(of_pattern)), lengths, also=codes_of(PIECE))
        self._mark = self._search.numbers(codes_of(PIECE))[0]
        self._pieces = PiecesOfWords(tokenizer, self._search.numbers)
        # Labels of pattern p: _labels[_first[p] : _first[p + 1]].
        self._first = np.cumsum([0, *map(len, of_pattern.values())])
        self._labels = np.array(list(chain.from_iterable(of_pattern.values())), dtype=np.int64)

    def find(self, texts: Sequence[str], list_lines: Sequence[Sequence[int]]) -> Matches:
        """All matches in `texts`: numbers of text and label, start, end, chunk; each int64, shape [n].

        `list_lines`, one for each text, are the numbers of its lines that are left out. Start and end are
        code points of the text as it is given, of the words in which the match begins and ends (for
        tokenizers of XLM-R's kind, whose words may be whole lines: of the pieces). Chunks of a text count
        from 0. No order is promised.
        """
        text, starts, line_starts, places = _without_lists(texts, list_lines)
        words = self.tokenizer.words(text, starts[1:] - 1)
        letters, word_letters = self._pieces(words)
        piece_letters = np.flatnonzero(letters == self._mark)

        first_word = np.searchsorted(words.starts, starts)
        first_piece = np.searchsorted(piece_letters, word_letters[first_word])
        chunks = -(np.diff(first_piece, append=len(piece_letters)) // -CHUNK_PIECES)
        chunk_text = np.repeat(np.arange(len(texts)), chunks)
        chunk_number = np.arange(len(chunk_text)) - np.repeat(np.cumsum(chunks) - chunks, chunks)
        chunk_letters = piece_letters[first_piece[chunk_text] + CHUNK_PIECES * chunk_number]
        bordered = letters.copy()
        bordered[chunk_letters] = BORDER

        pattern, first_letter, end_letter = self._search.find(bordered)
        chunk = np.searchsorted(chunk_letters, first_letter, side="right") - 1
        edges = np.stack([first_letter, end_letter - 1])
        start, end = self._places(words, word_letters, piece_letters, edges)
        line = np.searchsorted(line_starts, start, side="right") - 1
        last_line = np.searchsorted(line_starts, end - 1, side="right") - 1
        start, end = start + places[line], end + places[last_line]

        counts = np.diff(self._first)[pattern]
        again = np.repeat(np.arange(len(pattern)), counts)
        nth = np.arange(len(again)) - np.repeat(np.cumsum(counts) - counts, counts)
        label = self._labels[self._first[pattern][again] + nth]
        return chunk_text[chunk][again], label, start[again], end[again], chunk_number[chunk][again]

    def _places(
        self,
        words: Words,
        word_letters: NDArray[np.int64],
        piece_letters: NDArray[np.int64],
        edges: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Starts and ends in the text [2, n] of matches whose first and last letters are `edges` [2, n]."""
        word = np.searchsorted(word_letters, edges, side="right") - 1
        places = np.stack([words.starts[word[0]], words.ends[word[1]]])
        by_pieces = np.isin(word, words.whole) | self.tokenizer.marked
        if by_pieces.any():
            word = word[by_pieces]
            nth = np.searchsorted(piece_letters, edges[by_pieces], side="right") - 1
            nth -= np.searchsorted(piece_letters, word_letters[word])
            distinct, row = np.unique(word, return_inverse=True)
            encodings = self.tokenizer.hf.encode_batch(
                [words[place] for place in distinct.tolist()], add_special_tokens=False
            )
            first = np.cumsum([0, *(len(encoding.offsets) for encoding in encodings)])
            spans = np.array(list(chain.from_iterable(encoding.offsets for encoding in encodings)))
            side = np.nonzero(by_pieces)[0]
            places[by_pieces] = words.starts[word] + spans[first[row] + nth, side]
        return places


def _without_lists(
    texts: Sequence[str], list_lines: Sequence[Sequence[int]]
) -> tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All texts without the lines left out, joined by line ends; where each text starts in it [texts]; where
    each stretch of lines starts in it, and how much further on in its own text it stands [stretches]."""
    kept: list[str] = []
    places: list[int] = []
    first: list[int] = []
    for text, listed in zip(texts, list_lines, strict=True):
        first.append(len(kept))
        if len(listed):
            left_out = set(listed)
            at = 0
            for number, line in enumerate(text.split("\n")):
                if number not in left_out:
                    kept.append(line)
                    places.append(at)
                at += len(line) + 1
        if len(kept) == first[-1]:
            kept.append("" if len(listed) else text)
            places.append(0)
    lengths = np.fromiter(map(len, kept), np.int64, len(kept))
    starts = np.cumsum(lengths + 1) - lengths - 1
    return "\n".join(kept), starts[first], starts, np.array(places, dtype=np.int64) - starts


def piece_search(tokenizer_json: str, labels: Sequence[str]) -> PieceSearch:
    """The search for `labels` with the tokenizer of a `tokenizer.json`, whose text is given; made once in a
    process. Raises InputError when the tokenizer cannot be applied word by word."""
    return _piece_search(tokenizer_json, tuple(labels))


@lru_cache(maxsize=2)
def _piece_search(tokenizer_json: str, labels: tuple[str, ...]) -> PieceSearch:
    return PieceSearch(_word_tokenizer(tokenizer_json), labels)


@lru_cache(maxsize=1)
def _word_tokenizer(tokenizer_json: str) -> WordTokenizer:
    return WordTokenizer(tokenizer_json)


def read_tokenizer(source: Path) -> str:
    """The text of `tokenizer.json` in the folder of a checkpoint.

    Raises InputError when there is none, or one whose pieces cannot be had word by word.
    """
    path = source / "tokenizer.json"
    if not path.is_file():
        raise InputError(
            f"{source} has no tokenizer.json. Remedy: save the checkpoint's fast tokenizer there "
            "(AutoTokenizer.from_pretrained(..).save_pretrained(folder)), or set no wordpiece_checkpoint."
        )
    text = path.read_text("utf-8")
    try:
        _word_tokenizer(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return text
