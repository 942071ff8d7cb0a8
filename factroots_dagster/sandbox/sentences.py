"""Writes single sentences of one language: patterns filled with mentions.

A sentence keeps its mentions apart from its other text, so that `dump.py` can link them and tests can find
them. With the dials `inflection` and `code_switching` a mention may be another text than the entity's label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.endings import inflect
from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.lexicon import capitalize, lexicon, translate
from factroots_dagster.sandbox.records import Mention, Sentence


class SentenceWriter:
    """Fills the sentence patterns of one language; `labels[language][uri]` are the names of all languages."""

    def __init__(
        self,
        random: np.random.Generator,
        language: Language,
        labels: Mapping[str, Mapping[str, str]],
        dials: Dials,
    ) -> None:
        self.random, self.language, self.dials = random, language, dials
        self.all_labels, self.labels = labels, labels[language.code]
        self.words = lexicon(language, dials.loanwords)

    def chance(self, share: float) -> bool:
        """Whether something happens to this share of things; draws nothing where it is 0."""
        return share > 0 and bool(self.random.random() < share)

    def write(
        self, pattern: str, subject: str | None = None, other: str | None = None, fact: str | None = None,
        frame: str | None = None, pronoun: str | None = None,
        mentions: Mapping[str, Sequence[str | Mention]] | None = None,
    ) -> Sentence:  # fmt: skip
        """Write a sentence from a gloss pattern.

        [X] becomes the subject or the pronoun, [Y] and [Z] become `other`; the frame word comes first.
        `mentions` are parts to put in place of slots instead.
        """
        words = translate(pattern, self.language, self.dials.loanwords).split()
        if frame:
            words.insert(0, self.words[frame])
        if pronoun:
            words = [self.words[pronoun] if word == "[X]" else word for word in words]
        words[0] = capitalize(words[0])
        parts: list[str | Mention] = []
        for position, word in enumerate(words):
            if position:
                parts.append(" ")
            if mentions and word in mentions:
                parts.extend(mentions[word])
            elif word in ("[X]", "[Y]", "[Z]"):
                uri = subject if word == "[X]" else other
                if uri is None:
                    raise ValueError(f"the pattern {pattern!r} needs an entity for {word}")
                parts.append(self.mention(uri))
            else:
                parts.append(word)
        return join([*parts, "."], fact)

    def mention(self, uri: str) -> Mention:
        """Name an entity in running text, inflected now and then."""
        label = self.labels[uri]
        if self.chance(self.dials.inflection):
            form = inflect(label, self.language.code, int(self.random.integers(6)))
            return Mention(uri, form, label if form != label else None)
        return Mention(uri, label)

    def state(
        self,
        pattern: str,
        subject: str,
        object_: str,
        fact: str | None,
        frame: str | None,
        *,
        bilingual: bool,
    ) -> Sentence:
        """Write a sentence that states a fact, now and then with a name in another language's spelling.

        A `bilingual` one gives the subject's name in another language after it, in brackets.
        """
        parts: dict[str, Sequence[str | Mention]] = {}
        if bilingual:
            parts["[X]"] = self.in_two_languages(subject)
        elif self.chance(self.dials.code_switching):
            slot, uri = ("[X]", subject) if self.random.random() < 0.5 else ("[Y]", object_)
            parts[slot] = [self.foreign(uri) or self.mention(uri)]
        return self.write(pattern, subject, object_, fact, frame, mentions=parts)

    def in_two_languages(self, uri: str) -> list[str | Mention]:
        """A name and, in brackets, another language's spelling of it, if one spells it otherwise."""
        foreign = self.foreign(uri)
        own = Mention(uri, self.labels[uri])
        return [own, " (", foreign, ")"] if foreign else [own]

    def foreign(self, uri: str) -> Mention | None:
        """An entity in another language's spelling, half the time the hub's; None if all are alike."""
        own = self.labels[uri]
        spellings = [labels[uri] for labels in self.all_labels.values()]
        others = [spelling for spelling in spellings if spelling != own]
        if not others:
            return None
        to_hub = spellings[0] != own and self.random.random() < 0.5
        other = spellings[0] if to_hub else others[int(self.random.integers(len(others)))]
        return Mention(uri, other, own)


def join(parts: Sequence[str | Mention], fact: str | None = None) -> Sentence:
    """A sentence of parts, in which no two texts are neighbours."""
    merged: list[str | Mention] = []
    for part in parts:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return Sentence(tuple(merged), fact)
