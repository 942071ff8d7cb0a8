"""A checkpoint's tokenizer applied word by word: where it cuts a text into words, and the pieces of a word.

A text may be cut wherever tokenizing the parts gives the pieces of the whole. Two kinds of tokenizers have
such positions: BERT's (at spaces, around punctuation and ideographs) and those that mark the beginning of a
word (`Metaspace`, like XLM-R's: at spaces and line ends). The pieces of a word can then be cached. The
tokenizer itself is asked which characters cut, since Unicode versions differ.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.text.code_points import CharacterProperty, CodePoints, to_code_points
from factroots_dagster.text.wordpieces.greedy import GreedyWordPiece

if TYPE_CHECKING:
    from tokenizers import Tokenizer

IN_WORD, SEPARATOR, ISOLATED, REMOVED, UNSTABLE = 0, 1, 2, 3, 4
"""Roles of characters: part of a word; between words; a word by itself; removed before the text is cut; part
of a word, but normalized to a space or to nothing, where that matters."""

BLOCK_SIZE = 256
"""Code points whose roles are asked for at once: in most blocks all have the same."""

LOCAL_NORMALIZERS = frozenset(
    "BertNormalizer Lowercase NFC NFD NFKC NFKD Nmt Precompiled StripAccents".split()  # noqa: SIM905
)
"""Normalizers that change nothing across a space."""

PIECE_MARK = "\ud800"
"""Precedes every piece: a lone surrogate, which no text holds."""

REMEDY = (
    "set FACTROOTS_WORDPIECE_CHECKPOINT to a checkpoint with a tokenizer like BERT's or XLM-R's, or unset it"
)


@dataclass(frozen=True)
class Words:
    """The words of a text.

    distinct: each word once.
    distinct_index: index into `distinct` of each word, int64, shape [words].
    starts, ends: position of each word in the text, int64, shape [words].
    uncut: indices of words that are a whole text, which could not be cut.
    """

    distinct: list[str]
    distinct_index: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    uncut: NDArray[np.int64]

    def __getitem__(self, index: int) -> str:
        word: str = self.distinct[self.distinct_index[index]]
        return word


class WordTokenizer:
    """The fast tokenizer of a `tokenizer.json`, word by word.

    tokenizer_json: the text of the file.

    Raises InputError if it is no tokenizer, or one that cannot be applied word by word (GPT's byte-level
    kind, SentencePiece without a mark before words).
    """

    def __init__(self, tokenizer_json: str) -> None:
        from tokenizers import Tokenizer

        try:
            self.hf: Tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # the library raises nothing narrower
            raise InputError(f"not a tokenizer.json: {error}", REMEDY) from error
        self.hf.no_truncation()
        self.hf.no_padding()
        parts = json.loads(tokenizer_json)
        self.marks_words = _marks_words(parts)
        """Whether words begin with a mark (XLM-R's kind); otherwise the tokenizer is of BERT's kind."""
        self.spaces_vanish = self._pre_tokenize(" a  b ") == self._pre_tokenize("a b")
        """Whether spaces next to other spaces or at the edge of a text leave no piece of their own."""
        self.roles = CharacterProperty(self._roles_of, BLOCK_SIZE)
        """The role of each code point: IN_WORD, SEPARATOR, ISOLATED, REMOVED or UNSTABLE."""
        self._separators: frozenset[str] = frozenset()
        if self.marks_words:
            self._separators = self._find_separators()
        # Added tokens are matched before the text is cut.
        added = "|".join(re.escape(token["content"]) for token in parts["added_tokens"])
        self._added = re.compile(added) if added else None
        model = parts["model"]
        unknown = model.get("unk_token")
        self._unknown: int | None = model.get("unk_id") if unknown is None else self.hf.token_to_id(unknown)
        self._greedy = GreedyWordPiece(model) if not self.marks_words and _is_greedy(parts) else None

    def _pre_tokenize(self, text: str) -> list[str]:
        """The words of `text`, normalized, as the tokenizer itself cuts them."""
        if self.hf.normalizer is not None:
            text = self.hf.normalizer.normalize_str(text)
        return [word for word, _ in self.hf.pre_tokenizer.pre_tokenize_str(text)]

    def _roles_of(self, codes: range) -> list[int] | int:
        """The role of each of the code points, or of all."""
        role_of = self._role_if_marked if self.marks_words else self._role_in_bert
        characters = "".join(map(chr, codes))
        role = role_of(characters)
        return role if role is not None else [role_of(character) or IN_WORD for character in characters]

    def _role_in_bert(self, characters: str) -> int | None:
        """The role of all of `characters`, each tried between two letters; None if they differ."""
        text = _between_letters(characters)
        words = self._pre_tokenize(text)
        if words == ["a" + "b" * len(characters)]:
            return REMOVED
        if words == ["a", *"b" * len(characters)]:
            return SEPARATOR
        splits_one = len(characters) == 1 and len(words) > 2 and (words[0], words[-1]) == ("a", "b")
        if splits_one or words == [*text]:
            return ISOLATED
        return IN_WORD if words == [text] else None

    def _role_if_marked(self, characters: str) -> int | None:
        """The same for a tokenizer that marks the beginning of words."""
        if not self._separators.isdisjoint(characters):
            return SEPARATOR if len(characters) == 1 else None
        if self.spaces_vanish:
            return IN_WORD
        text = _between_letters(characters)
        words = [word[1:] for word in self._pre_tokenize(text)]
        if len(characters) == 1:
            return UNSTABLE if len(words) > 1 or words[0] == "ab" else IN_WORD
        return IN_WORD if words == [text] else None

    def _find_separators(self) -> frozenset[str]:
        """Spaces, and line ends if the tokenizer cuts there too.

        They are tried next to what could absorb them: Unicode's prepended marks, combining marks and carriage
        returns. Raises InputError if the tokenizer does not cut at spaces.
        """
        sides = [(left, right) for left in ("a", "\u0600", "a\r") for right in ("b", "\u0301b")]
        cut = self._pre_tokenize
        separators = frozenset(
            character
            for character in " \n"
            if all(
                cut(left + character + right) == cut(left) + cut(right)
                for left, right in sides
                if self._role_if_marked(left[-1]) != UNSTABLE
            )
        )
        if " " not in separators:
            raise InputError("the tokenizer does not cut texts at spaces alone", REMEDY)
        return separators

    def split(self, text: str, boundaries: NDArray[np.int64]) -> Words:
        """Cut `text`, which consists of several texts, into words.

        boundaries: positions of the line ends between two texts, ascending, shape [texts - 1].
        """
        codes = to_code_points(text)
        roles = self.roles(codes).copy()
        roles[boundaries] = SEPARATOR
        is_separator = roles == SEPARATOR
        if not self.spaces_vanish:
            unstable = is_separator | (roles == UNSTABLE)
            has_unstable_neighbor = np.ones(len(codes), dtype=bool)
            has_unstable_neighbor[1:-1] = unstable[2:] | unstable[:-2]
            roles[is_separator & has_unstable_neighbor] = IN_WORD
        uncut_starts = self._keep_uncut(text, boundaries, roles)
        roles[boundaries] = SEPARATOR
        removed = np.flatnonzero(roles == REMOVED)
        if len(removed):
            codes, roles = np.delete(codes, removed), np.delete(roles, removed)
        is_separator, isolated = roles == SEPARATOR, roles == ISOLATED
        is_cut = np.ones(len(codes) + 1, dtype=bool)  # whether a word may end before a character
        is_cut[1:-1] = isolated[1:] | isolated[:-1]
        is_cut[:-1] |= is_separator
        is_cut[1:] |= is_separator
        kept = ~is_separator
        starts = np.flatnonzero(is_cut[:-1] & kept)
        ends = np.flatnonzero(is_cut[1:] & kept) + 1
        distinct, distinct_index = _distinct_words(codes.compress(kept), ends - starts)
        if len(removed):
            starts, ends = restore_positions(starts, removed), restore_positions(ends - 1, removed) + 1
        return Words(distinct, distinct_index, starts, ends, np.searchsorted(starts, uncut_starts))

    def _keep_uncut(self, text: str, boundaries: NDArray[np.int64], roles: NDArray[np.uint8]) -> list[int]:
        """Make the texts that hold an added token one word each in `roles`; return where they start."""
        starts = []
        if self._added is not None and self._added.search(text):
            for start, end in zip([0, *(boundaries + 1)], [*boundaries, len(text)], strict=True):
                if self._added.search(text, start, end):
                    roles[start:end] = IN_WORD
                    starts.append(int(start))
        return starts

    def tokenize(self, words: Sequence[str], uncut: Set[str] = frozenset()) -> list[str]:
        """The pieces of each word, each after PIECE_MARK, joined. A word may have none.

        uncut: which of the words are texts that could not be cut. These go to the library, all others only if
            its model is not plain WordPiece.
        """
        for_library = list(words) if self._greedy is None else [word for word in words if word in uncut]
        encodings = self.hf.encode_batch(for_library, add_special_tokens=False)
        pieces = {word: encoding.tokens for word, encoding in zip(for_library, encodings, strict=True)}
        if self._greedy is not None:
            pieces |= {word: self._greedy(word) for word in words if word not in pieces}
        return ["".join([PIECE_MARK + piece for piece in pieces[word]]) for word in words]

    def find_unknown(self, pieces: Iterable[str]) -> set[str]:
        """Those of `pieces`, as `tokenize` returns them, that the tokenizer does not know.

        WordPiece and BPE return their unknown piece, Unigram the characters themselves.
        """
        if self._unknown is None:
            return set()
        return {piece for piece in pieces if self.hf.token_to_id(piece) in (None, self._unknown)}


def restore_positions(positions: NDArray[np.int64], removed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions in a text without some of its characters as positions in the whole text, same shape.

    removed: positions of the removed characters in the whole text. Both arrays are ascending.
    """
    later = np.searchsorted(positions, removed - np.arange(len(removed)))
    shifts: NDArray[np.int64] = np.cumsum(np.bincount(later, minlength=len(positions) + 1))[:-1]
    return positions + shifts


def _distinct_words(codes: CodePoints, lengths: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct words among those that are end to end in `codes`, and the index of each, shape [words]."""
    bounds = np.append(0, np.cumsum(4 * lengths))
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(codes)]
    words = pa.Array.from_buffers(pa.large_binary(), len(lengths), buffers).dictionary_encode()
    _, offsets, data = words.dictionary.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64, count=len(words.dictionary) + 1)
    text = bytes(data or b"")[: bounds[-1]].decode("utf-32-le")
    distinct = [text[start:end] for start, end in itertools.pairwise((bounds // 4).tolist())]
    return distinct, words.indices.to_numpy().astype(np.int64)


def _between_letters(characters: str) -> str:
    """An a, then the characters with a b after each."""
    return "".join(["a", *(f"{character}b" for character in characters)])


def _is_greedy(parts: dict[str, Any]) -> bool:
    """Whether a tokenizer of BERT's kind is WordPiece whose normalizer only removes characters."""
    normalizer = parts["normalizer"]
    changes = ("lowercase", "strip_accents")
    only_removes = normalizer is None or (
        normalizer["type"] == "BertNormalizer" and not any(normalizer[change] for change in changes)
    )
    return only_removes and parts["model"]["type"] == "WordPiece"


def _marks_words(parts: dict[str, Any]) -> bool:
    """Whether a tokenizer marks the beginning of words; raises InputError if it is of neither kind."""
    steps = _step_types(parts["pre_tokenizer"], "pretokenizers")
    marks_words = steps in (["WhitespaceSplit", "Metaspace"], ["Metaspace"])
    if not marks_words and steps != ["BertPreTokenizer"]:
        method = " and ".join(steps) or "nothing"
        raise InputError(
            f"the tokenizer cuts texts by {method}, so it cannot be applied word by word", REMEDY
        )
    allowed = LOCAL_NORMALIZERS if marks_words else {"BertNormalizer"}
    if other := set(_step_types(parts["normalizer"], "normalizers")) - allowed:
        method = " and ".join(sorted(other))
        raise InputError(f"the tokenizer normalizes texts by {method}, which may reach across words", REMEDY)
    return marks_words


def _step_types(part: dict[str, Any] | None, steps_key: str) -> list[str]:
    """The types of a tokenizer's normalizers or pre-tokenizers, with sequences flattened."""
    if part is not None and part["type"] == "Sequence":
        return [name for step in part[steps_key] for name in _step_types(step, steps_key)]
    return [] if part is None else [part["type"]]
