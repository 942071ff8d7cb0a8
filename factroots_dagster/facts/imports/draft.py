"""What has been read of a fact set so far: checked templates and facts, and what was left out and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, uuid5

from factroots_dagster.errors import InputError
from factroots_dagster.facts.imports.labels import find_defect
from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.store.store import check_name
from factroots_dagster.text.slots import find_slot_defect

HUB = "en"
"""The language whose labels name entities that have no ids, where it has the fact."""
CODES = {"zh-hans": "zh", "zh-cn": "zh", "iw": "he", "in": "id"}
"""Codes of languages that other fact sets write otherwise."""


@dataclass(frozen=True)
class LeftOut:
    """Something that was not imported.

    place: file and line, or row, of the first of `count` things. detail: the value at fault.
    """

    place: str
    language: str
    relation: str
    reason: str
    detail: str
    count: int = 1


@dataclass(frozen=True)
class Fact:
    """A fact in one language. The ids of its entities are empty where the format has none."""

    uuid: str
    subject: str
    object: str
    subject_uri: str
    object_uri: str
    place: str


@dataclass
class Draft:
    """Templates and facts by language and relation, in the order in which they were read.

    left_out: one entry per thing that was left out; one for a whole language that has no place (see
    `languages.geography`).
    """

    templates: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[tuple[str, str], dict[str, Fact]] = field(default_factory=lambda: defaultdict(dict))
    left_out: list[LeftOut] = field(default_factory=list)
    _relation_of: dict[tuple[str, str], str] = field(default_factory=dict)
    _skipped: set[str] = field(default_factory=set)

    def leave_out(
        self, place: str, language: str, relation: str, reason: str, detail: object, count: int = 1
    ) -> None:
        """Record something that is not imported."""
        self.left_out.append(LeftOut(place, language, relation, reason, f"{detail!s:.200}", count))

    def accept_language(self, code: str, place: str) -> str | None:
        """The code of a language as mLAMA writes it; None, recorded once, where it has no place."""
        language = CODES.get(code.lower().replace("_", "-"), code.lower())
        if language in MLAMA_PLACES:
            return language
        if code not in self._skipped:
            self._skipped.add(code)
            self.leave_out(place, code, "", "a language without a place in languages/geography.py", code)
        return None

    def add_template(self, language: str, relation: str, template: object, place: str) -> None:
        """Add a template with [X] and [Y], unless it is unsound or was added before.

        Raises InputError where the relation's name cannot be the name of a file.
        """
        check_name(relation, f"{place}: relation")
        if defect := find_defect(template):
            self.leave_out(place, language, relation, f"a template that {defect}", template)
            return
        text = str(template).strip()
        if text in self.templates[language, relation]:
            return
        if find_slot_defect(text):
            reason = "a template without exactly one slot for the subject and one for the object"
            self.leave_out(place, language, relation, reason, text)
            return
        self.templates[language, relation].append(text)

    def add_fact(
        self,
        language: str,
        relation: str,
        uuid: str,
        subject: object,
        answer: object,
        place: str,
        *,
        subject_uri: object = None,
        object_uri: object = None,
    ) -> None:
        """Add a fact, unless it is unsound or was added before.

        uuid: the same in all languages. subject, answer: labels. subject_uri, object_uri: ids; None: the
        format has none, and entities are told apart by their labels (see `complete_ids`).
        """
        check_name(relation, f"{place}: relation")
        texts = {"a subject": subject, "an object": answer}
        ids = {"a subject's id": subject_uri, "an object's id": object_uri}
        texts |= {name: uri for name, uri in ids.items() if uri is not None}
        for name, text in texts.items():
            if defect := find_defect(text):
                self.leave_out(place, language, relation, f"{name} that {defect}", text)
                return
        fact = Fact(uuid, str(subject), str(answer), str(subject_uri or ""), str(object_uri or ""), place)
        other_relation = self._relation_of.setdefault((language, uuid), relation)
        before = self.facts[language, other_relation].get(uuid)
        if before is None:
            self.facts[language, relation][uuid] = fact
        elif other_relation == relation and replace(before, place=place) == fact:
            self.leave_out(place, language, relation, "a repeated row", f"as in {before.place}")
        else:
            detail = f"{subject}, {answer}; {before.subject}, {before.object} in {before.place}"
            self.leave_out(place, language, relation, "another fact with the same uuid", detail)

    def finish(self) -> None:
        """Drop facts without a template and those that contradict other languages, and complete the ids.

        Raises InputError where no fact is left.
        """
        for (language, relation), facts in self.facts.items():
            if facts and not self.templates.get((language, relation)):
                first, reason = next(iter(facts.values())), "a fact without a template of its relation"
                detail = f"{first.subject}, {first.object}"
                self.leave_out(first.place, language, relation, reason, detail, len(facts))
                facts.clear()
        self._drop_contradictions()
        self._complete_ids()
        self.facts = {key: facts for key, facts in self.facts.items() if facts}
        self.templates = {key: self.templates[key] for key in self.facts}
        if not self.facts:
            raise InputError(f"no fact is left to import ({self.summarize()})", "correct what is named")

    def count_left_out(self) -> dict[str, int]:
        """How many things were left out, by reason, the most frequent one first."""
        counts: Counter[str] = Counter()
        for entry in self.left_out:
            counts[entry.reason] += entry.count
        return dict(counts.most_common())

    def summarize(self) -> str:
        """What was left out: how often, why, and the first case of each reason."""
        first = {entry.reason: entry for entry in reversed(self.left_out)}
        return (
            "; ".join(
                f"{reason}: {count:,} (first: {first[reason].place}, {first[reason].detail!r:.80})"
                for reason, count in self.count_left_out().items()
            )
            or "nothing was read"
        )

    def _by_uuid(self) -> Mapping[str, dict[str, tuple[str, Fact]]]:
        """For every uuid its relation and fact in each language, the hub first."""
        found: dict[str, dict[str, tuple[str, Fact]]] = {}
        for language, relation in sorted(self.facts, key=lambda key: key[0] != HUB):
            for uuid, fact in self.facts[language, relation].items():
                found.setdefault(uuid, {})[language] = (relation, fact)
        return found

    def _drop_contradictions(self) -> None:
        """Leave out facts whose relation or entities are others than those of the same uuid elsewhere.

        The hub decides, else the language that was read first.
        """
        for uuid, by_language in self._by_uuid().items():
            (reference, (relation, first)), *others = by_language.items()
            for language, (other_relation, fact) in others:
                expected = (relation, first.subject_uri, first.object_uri)
                got = (other_relation, fact.subject_uri, fact.object_uri)
                if any(a != b for a, b in zip(got, expected, strict=True) if a and b):
                    reason = f"another relation, subject or object than in {reference}"
                    detail = f"{', '.join(got)} and not {', '.join(expected)}"
                    self.leave_out(fact.place, language, other_relation, reason, detail)
                    del self.facts[language, other_relation][uuid]

    def _complete_ids(self) -> None:
        """Give entities without ids those of their labels in the hub, or where first read, as `en:Japan`."""
        for uuid, by_language in self._by_uuid().items():
            reference, (_, first) = next(iter(by_language.items()))
            for language, (relation, fact) in by_language.items():
                self.facts[language, relation][uuid] = replace(
                    fact,
                    subject_uri=fact.subject_uri or first.subject_uri or f"{reference}:{first.subject}",
                    object_uri=fact.object_uri or first.object_uri or f"{reference}:{first.object}",
                )

    def languages(self) -> Iterator[str]:
        """The languages that have facts, in mLAMA's order."""
        present = {language for language, _ in self.facts}
        return (language for language in MLAMA_PLACES if language in present)


def make_uuid(*parts: str) -> str:
    """A uuid in its usual form that follows from these texts alone."""
    return str(uuid5(NAMESPACE_URL, "\x1f".join(parts)))
