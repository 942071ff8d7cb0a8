"""A checkpoint's tokenizer applied word by word: where its own rules cut a text, and the pieces of each word.

A text may be cut wherever tokenizing the parts gives the pieces of the whole. Two kinds of tokenizers have
such places: BERT's (at spaces, around punctuation and ideographs) and those that mark the beginning of a word
(`Metaspace`, as XLM-R's, at spaces and line ends). The same words come again and again, so that their pieces
are kept. Which characters cut is asked of the tokenizer itself: Unicode versions differ.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.text.code_points import Codes, Property, codes_of
from factroots_dagster.text.symbols import Numbers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

INSIDE, SEPARATOR, ALONE, REMOVED, LOOSE = 0, 1, 2, 3, 4
"""Part of a word; between words; a word by itself; taken out of the text before it is cut; part of a word,
but normalized to a space or to nothing, where those count."""

BLOCK = 256
"""Code points that are asked about together: most blocks are of one kind."""

LOCAL_NORMALIZERS = frozenset(
    "BertNormalizer Lowercase NFC NFD NFKC NFKD Nmt Precompiled StripAccents".split()  # noqa: SIM905
)
"""Normalizers that change nothing across a space."""

KEPT_CHARACTERS = 2**25
ENTRY_CHARACTERS = 32
"""Pieces of words are kept up to this sum of their lengths, each counted as so much longer: some 200 MB."""

PIECE = "\ud800"
"""Stands before every piece: half of a pair, which no text holds."""

REMEDY = (
    "Remedy: take a checkpoint with BERT's or XLM-R's kind of tokenizer as wordpiece_checkpoint, or none."
)


@dataclass(frozen=True)
class Words:
    """The words of a text: the `distinct` ones, of which each is one (`number`), and where each starts and
    ends in the text (code points); int64 [words].

    `whole` are the places in these arrays of words that stand for a whole text, which could not be cut.
    """

    distinct: list[str]
    number: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    whole: NDArray[np.int64]

    def __getitem__(self, place: int) -> str:
        word: str = self.distinct[self.number[place]]
        return word


class WordTokenizer:
    """The fast tokenizer of a `tokenizer.json`, word by word.

    Raises InputError when the text is no tokenizer, or one that cannot be applied word by word (GPT's
    byte-level kind, SentencePiece without a mark before words).
    """

    def __init__(self, tokenizer_json: str) -> None:
        from tokenizers import Tokenizer

        try:
            self.hf: Tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # the library raises nothing narrower
            raise InputError(f"not a tokenizer.json: {error}. {REMEDY}") from error
        self.hf.no_truncation()
        self.hf.no_padding()
        parts = json.loads(tokenizer_json)
        self.marked = _is_marked(parts)
        """Whether words begin with a mark (XLM-R's kind); else the tokenizer is of BERT's kind."""
        self.spaces_vanish = self._split(" a  b ") == self._split("a b")
        """Whether spaces beside other spaces or at a text's edge leave no piece of their own."""
        self.kinds = Property(self._fill_kinds)
        """INSIDE, SEPARATOR, ALONE, REMOVED or LOOSE for each code point."""
        self._separators: frozenset[str] = frozenset()
        if self.marked:
            self._separators = self._marked_separators()
        # Added tokens are found in a text before it is cut.
        added = [re.escape(token["content"]) for token in parts["added_tokens"]]
        self._added = re.compile("|".join(added)) if added else None
        model = parts["model"]
        unknown = model.get("unk_token")
        self._unknown: int | None = model.get("unk_id") if unknown is None else self.hf.token_to_id(unknown)
        # Without the library it takes a quarter of the time, where normalizing only takes characters out.
        normalizer = parts["normalizer"]
        unchanged = normalizer is None or (
            normalizer["type"] == "BertNormalizer"
            and not normalizer["lowercase"]
            and not normalizer["strip_accents"]
        )
        simple = not self.marked and unchanged and model["type"] == "WordPiece"
        self._greedy = WordPieces(model) if simple else None

    def _split(self, text: str) -> list[str]:
        """The words of `text`, normalized, as the tokenizer itself splits them."""
        if self.hf.normalizer is not None:
            text = self.hf.normalizer.normalize_str(text)
        return [word for word, _ in self.hf.pre_tokenizer.pre_tokenize_str(text)]

    def _fill_kinds(self, table: NDArray[np.uint8], codes: list[int]) -> None:
        """Ask the tokenizer about the blocks of the characters that came up."""
        for number in sorted({code // BLOCK for code in codes}):
            whole = slice(number * BLOCK, (number + 1) * BLOCK)
            table[whole] = self._kinds_of("".join(map(chr, range(whole.start, whole.stop))))

    def _kinds_of(self, block: str) -> list[int] | int:
        """The kind of each character of a block, or of all."""
        kind_of = self._marked_kind if self.marked else self._bert_kind
        kind = kind_of(block)
        return kind if kind is not None else [kind_of(character) or INSIDE for character in block]

    def _bert_kind(self, characters: str) -> int | None:
        """What becomes of each of `characters` between two letters; None when that is not one thing."""
        text = _between_letters(characters)
        found = self._split(text)
        if found == ["a" + "b" * len(characters)]:
            return REMOVED
        if found == ["a", *"b" * len(characters)]:
            return SEPARATOR
        if found == [*text] or (
            len(characters) == 1 and len(found) > 2 and (found[0], found[-1]) == ("a", "b")
        ):
            return ALONE
        return INSIDE if found == [text] else None

    def _marked_kind(self, characters: str) -> int | None:
        if not self._separators.isdisjoint(characters):
            return SEPARATOR if len(characters) == 1 else None
        if self.spaces_vanish:
            return INSIDE
        text = _between_letters(characters)
        found = [word[1:] for word in self._split(text)]
        if len(characters) == 1:
            return LOOSE if len(found) > 1 or found[0] == "ab" else INSIDE
        return INSIDE if found == [text] else None

    def _marked_separators(self) -> frozenset[str]:
        """Spaces, and line ends where they are as good, even beside what could swallow them: Unicode's
        prepended marks, combining marks and carriage returns."""
        sides = [(left, right) for left in ("a", "\u0600", "a\r") for right in ("b", "\u0301b")]
        found = frozenset(
            character
            for character in " \n"
            if all(
                self._split(left + character + right) == self._split(left) + self._split(right)
                for left, right in sides
                if self._marked_kind(left[-1]) != LOOSE
            )
        )
        if " " not in found:
            raise InputError(f"the tokenizer does not cut texts at spaces alone. {REMEDY}")
        return found

    def words(self, text: str, edges: NDArray[np.int64]) -> Words:
        """Cut `text`, which holds several texts, at its separators, around what stands alone, and at `edges`.

        `edges` are the places of the line ends between two texts, ascending, shape [texts - 1].
        """
        codes = codes_of(text)
        kinds = self.kinds(codes).copy()
        kinds[edges] = SEPARATOR
        separator = kinds == SEPARATOR
        if not self.spaces_vanish:
            loose = separator | (kinds == LOOSE)
            beside = np.ones(len(codes), dtype=bool)
            beside[1:-1] = loose[2:] | loose[:-2]
            kinds[separator & beside] = INSIDE
        uncut = self._uncut(text, edges, kinds)
        kinds[edges] = SEPARATOR
        removed = np.flatnonzero(kinds == REMOVED)
        if len(removed):
            codes, kinds = np.delete(codes, removed), np.delete(kinds, removed)
        separator, alone = kinds == SEPARATOR, kinds == ALONE
        cut = np.ones(len(codes) + 1, dtype=bool)  # whether a word may end before a character
        cut[1:-1] = alone[1:] | alone[:-1]
        cut[:-1] |= separator
        cut[1:] |= separator
        kept = ~separator
        starts = np.flatnonzero(cut[:-1] & kept)
        ends = np.flatnonzero(cut[1:] & kept) + 1
        distinct, number = _distinct_words(codes.compress(kept), ends - starts)
        if len(removed):
            starts, ends = in_whole(starts, removed), in_whole(ends - 1, removed) + 1
        return Words(distinct, number, starts, ends, np.searchsorted(starts, uncut))

    def _uncut(self, text: str, edges: NDArray[np.int64], kinds: NDArray[np.uint8]) -> list[int]:
        """Where texts start that hold an added token; their characters' kinds become INSIDE."""
        uncut = []
        if self._added is not None and self._added.search(text):
            for start, end in zip([0, *(edges + 1)], [*edges, len(text)], strict=True):
                if self._added.search(text, start, end):
                    kinds[start:end] = INSIDE
                    uncut.append(int(start))
        return uncut

    def pieces(self, words: Sequence[str], whole: Set[str] = frozenset()) -> list[str]:
        """The pieces of each word, PIECE before each piece. A word may have none.

        The library is asked for those that are in `whole`, texts that could not be cut, and for all where
        nothing else can cut them.
        """
        asked = list(words) if self._greedy is None else [word for word in words if word in whole]
        encodings = self.hf.encode_batch(asked, add_special_tokens=False)
        found = {word: encoding.tokens for word, encoding in zip(asked, encodings, strict=True)}
        if self._greedy is not None:
            found |= {word: self._greedy(word) for word in words if word not in found}
        return ["".join([PIECE + piece for piece in found[word]]) for word in words]

    def unknown_pieces(self, pieces: Iterable[str]) -> set[str]:
        """Those of `pieces`, as `pieces()` gives them, that stand for what the tokenizer does not know.

        WordPiece and BPE write their unknown piece there, Unigram the characters themselves.
        """
        if self._unknown is None:
            return set()
        return {piece for piece in pieces if self.hf.token_to_id(piece) in (None, self._unknown)}


def in_whole(places: NDArray[np.int64], removed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places in what is left of a text, ascending, as places in the whole, whose characters at `removed`
    (ascending) are gone. Shape as `places`."""
    later = np.searchsorted(places, removed - np.arange(len(removed)))
    shifts: NDArray[np.int64] = np.cumsum(np.bincount(later, minlength=len(places) + 1))[:-1]
    return places + shifts


def _distinct_words(
    codes: NDArray[np.uint32], lengths: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct words among those that stand end to end in `codes`, and the number of each, [words]."""
    edges = np.append(0, np.cumsum(4 * lengths))
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(codes)]
    found = pa.Array.from_buffers(pa.large_binary(), len(lengths), buffers).dictionary_encode()
    _, offsets, data = found.dictionary.buffers()
    edges = np.frombuffer(offsets, dtype=np.int64, count=len(found.dictionary) + 1)
    text = bytes(data or b"")[: edges[-1]].decode("utf-32-le")
    at = (edges // 4).tolist()
    distinct = [text[start:end] for start, end in itertools.pairwise(at)]
    return distinct, found.indices.to_numpy().astype(np.int64)


class PiecesOfWords:
    """The pieces of words as numbers, which `numbers` gives for code points. Those of words that have come up
    are kept, since the same words come again and again."""

    def __init__(self, tokenizer: WordTokenizer, numbers: Callable[[Codes], Numbers]) -> None:
        self.tokenizer, self.numbers = tokenizer, numbers
        self._dtype = numbers(codes_of("")).dtype
        self.kept: dict[str, bytes] = {}
        self._characters = 0

    def __call__(self, words: Words) -> tuple[Numbers, NDArray[np.int64]]:
        """The pieces of all words, PIECE before each, and where those of each word begin in them,
        [words + 1], the last at the end."""
        if self._characters > KEPT_CHARACTERS:
            self.kept, self._characters = {}, 0
        missing = [word for word in words.distinct if word not in self.kept]
        if missing:
            self._add(missing, {words[place] for place in words.whole.tolist()})
        pieces = pa.array(list(map(self.kept.__getitem__, words.distinct)), pa.large_binary())
        _, offsets, joined = pieces.take(pa.array(words.number)).buffers()
        starts = np.frombuffer(offsets, dtype=np.int64, count=len(words.number) + 1) // self._dtype.itemsize
        return np.frombuffer(joined or b"", dtype=self._dtype, count=starts[-1]), starts

    def _add(self, words: list[str], whole: set[str]) -> None:
        pieces = self.tokenizer.pieces(words, whole)
        numbers = self.numbers(codes_of("".join(pieces)))
        edges = np.cumsum([0, *map(len, pieces)]) * numbers.itemsize
        spelt = numbers.tobytes()
        ranges = itertools.pairwise(edges.tolist())
        self.kept.update(zip(words, (spelt[start:end] for start, end in ranges), strict=True))
        self._characters += sum(map(len, words)) + ENTRY_CHARACTERS * len(words)


class WordPieces:
    """WordPiece: from the left always the longest piece of the vocabulary, or one unknown for the word."""

    def __init__(self, model: dict[str, Any]) -> None:
        prefix = model["continuing_subword_prefix"]
        self.longest: int = model["max_input_chars_per_word"]
        self.unknown: str = model["unk_token"]
        self.first: dict[str, str] = {piece: piece for piece in model["vocab"]}
        self.later = {piece[len(prefix) :]: piece for piece in self.first if piece.startswith(prefix)}
        self.longest_piece = max(map(len, self.first), default=0)

    def __call__(self, word: str) -> list[str]:
        """The pieces of `word`."""
        if len(word) > self.longest:
            return [self.unknown]
        pieces, vocabulary, start = [], self.first, 0
        while start < len(word):
            for end in range(min(len(word), start + self.longest_piece), start, -1):
                piece = vocabulary.get(word[start:end])
                if piece is not None:
                    break
            else:
                return [self.unknown]
            pieces.append(piece)
            start, vocabulary = end, self.later
        return pieces


def _between_letters(characters: str) -> str:
    """An a, then the characters with a b after each."""
    return "".join(["a", *(f"{character}b" for character in characters)])


def _is_marked(parts: dict[str, Any]) -> bool:
    """Whether a tokenizer marks the beginnings of words; InputError when it is of neither kind."""
    steps = list(_steps(parts["pre_tokenizer"], "pretokenizers"))
    marked = steps in (["WhitespaceSplit", "Metaspace"], ["Metaspace"])
    if not marked and steps != ["BertPreTokenizer"]:
        kind = " and ".join(steps) or "nothing"
        raise InputError(
            f"the tokenizer cuts texts by {kind}, so that its pieces cannot be had word by word. {REMEDY}"
        )
    allowed = LOCAL_NORMALIZERS if marked else {"BertNormalizer"}
    strange = set(_steps(parts["normalizer"], "normalizers")) - allowed
    if strange:
        raise InputError(
            f"the tokenizer normalizes texts by {' and '.join(sorted(strange))}, which may reach across "
            f"words. {REMEDY}"
        )
    return marked


def _steps(part: dict[str, Any] | None, inner: str) -> Iterator[str]:
    """The types of a tokenizer's normalizers or pre-tokenizers, those of sequences one by one."""
    if part is not None and part["type"] == "Sequence":
        for step in part[inner]:
            yield from _steps(step, inner)
    elif part is not None:
        yield part["type"]
