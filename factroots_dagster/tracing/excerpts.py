"""The text that evidence shows: the passage with both sides of a fact, cut where it is long."""

from __future__ import annotations

MAX_CHARACTERS = 1000
"""Characters of an excerpt; of two pieces that are joined, the sum of their own."""

GAP = " … "
"""Between two pieces of a passage whose sides are further apart than an excerpt is long."""

Span = tuple[int, int]
"""Start and end in a text, in code points."""


def passage_span(length: int, subject_start: int, sentence: Span) -> Span:
    """Where a passage of `length` is that ends or begins with the object's sentence.

    It reaches from the start of the sentence with the earlier side to the end of the sentence with the later.
    """
    start, end = sentence
    return (end - length, end) if subject_start < start else (start, start + length)


def cut_excerpt(text: str, passage: Span, subject: Span, object_: Span) -> str:
    """The passage in `text`, or what fits of it with both sides in it; spaces for the ends of lines.

    Of a passage that is too long it is the text around both sides; where these are too far apart, the text
    around each, with an ellipsis between. It begins and ends between words where there are spaces.
    """
    first, last = sorted((subject, object_))
    end_of_sides = max(first[1], last[1])
    # A mention belongs to the sentence of its first character and may end behind it.
    passage = (passage[0], max(passage[1], end_of_sides))
    if end_of_sides - first[0] <= MAX_CHARACTERS or passage[1] - passage[0] <= MAX_CHARACTERS:
        pieces = [_cut_around(text, passage, (first[0], end_of_sides), MAX_CHARACTERS)]
    else:
        # The pieces do not overlap, since the sides are further apart than both together.
        pieces = [_cut_around(text, passage, side, MAX_CHARACTERS // 2) for side in (first, last)]
    return GAP.join(pieces).replace("\n", " ")


def _cut_around(text: str, passage: Span, words: Span, size: int) -> str:
    """At most `size` characters of the passage with these words in the middle, which are shown whole."""
    start, end = passage
    if end - start > size:
        margin = max(0, size - (words[1] - words[0])) // 2
        start = max(passage[0], min(words[0] - margin, passage[1] - size))
        end = max(words[1], min(passage[1], start + size))
        if start > passage[0]:
            start = text.find(" ", start, words[0]) + 1 or start
        if end < passage[1]:
            space = text.rfind(" ", words[1], end + 1)
            end = space if space >= 0 else end
    return text[start:end].strip(" \n")
