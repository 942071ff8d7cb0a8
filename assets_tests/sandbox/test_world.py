"""What every generated world must hold, whatever its seed."""

from __future__ import annotations

import collections
import itertools
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from factroots_dagster.sandbox.languages import CODES, LANGUAGES, linked, namespace_names
from factroots_dagster.sandbox.lexicon import lexicon
from factroots_dagster.sandbox.model import Mention, World
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.schema import KINDS, PLANTED_TRUTH, STATED_HOW
from factroots_dagster.sandbox.truth import planted_truth
from factroots_dagster.sandbox.world import generate

LETTERS = {"Latn": "LATIN", "Cyrl": "CYRILLIC", "Grek": "GREEK"}


def sentences_of(world: World, code: str):
    return [sentence for article in world.articles[code] for sentence in article.sentences]


def test_a_seed_always_gives_the_same_world(world: World) -> None:
    assert generate(world.seed) == world
    assert generate(world.seed + 1).labels != world.labels


def test_another_process_gives_the_same_world(world: World) -> None:
    code = (
        "import hashlib;from factroots_dagster.sandbox.world import generate;"
        f"print(hashlib.sha256(repr(generate({world.seed})).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_uuids_and_uris_are_unique_and_depend_on_the_seed(world: World) -> None:
    uuids = {fact.uuid for fact in world.facts}
    assert len(uuids) == len(world.facts) == 472
    assert len({fact.subject_uri for fact in world.facts}) == 472
    assert uuids.isdisjoint(fact.uuid for fact in generate(world.seed + 1).facts)
    assert all(
        uri[0] == "Q" and uri[1:].isdecimal()
        for fact in world.facts
        for uri in (fact.subject_uri, fact.object_uri)
    )


def test_labels_are_unique_and_in_the_language_s_script(world: World) -> None:
    for code, labels in world.labels.items():
        assert len(set(labels.values())) == len(labels)
        for label in labels.values():
            for letter in label.replace(" ", ""):
                assert unicodedata.name(letter).startswith(LETTERS[LANGUAGES[code].script])


@pytest.mark.parametrize("seed", range(4))
def test_an_object_is_inside_its_subject_only_where_that_was_planted(seed: int) -> None:
    world = generate(seed)
    for code in world.languages:
        labels = {uri: label.lower() for uri, label in world.labels[code].items()}
        objects = {fact.object_uri for fact in world.facts}
        for fact in world.facts:
            inside = {uri for uri in objects if labels[uri] in labels[fact.subject_uri]}
            assert inside == ({fact.object_uri} if fact.kind == "easy_token" else set())


def test_every_template_has_one_slot_of_each_kind(either: World) -> None:
    for templates in either.templates.values():
        assert set(templates) == {"P17", "P19", "P36", "P103", "P127", "P140", "P159", "P176"}
        for template in templates.values():
            assert template.count("[X]") == template.count("[Y]") == 1


def test_languages_of_a_script_spell_names_alike_except_of_independent_facts(world: World) -> None:
    for fact in world.facts:
        names = [world.labels[code][fact.subject_uri] for code in ("qaa", "qab", "qac", "qad", "qae")]
        if fact.kind == "independent":
            surnames = {
                name.split()[-1] if fact.relation in ("P19", "P103", "P140") else name for name in names
            }
            assert len(surnames) == len(names)
        elif fact.kind != "easy_token":
            assert len(set(names)) == 1


def test_kinds_follow_from_what_is_stated_where(world: World) -> None:
    truth = planted_truth(world).to_pylist()
    stating = collections.defaultdict(set)
    for row in truth:
        if row["stated"]:
            stating[row["uuid"]].add(row["language"])
    for row in truth:
        has_link = row["fact_kind"] != "independent" and bool(linked(row["language"]))
        sources = stating[row["uuid"]] & set(linked(row["language"])) if has_link else set()
        assert (row["linked_source"] in sources) if sources else row["linked_source"] is None
        assert (row["stated_how"] in STATED_HOW) if row["stated"] else row["stated_how"] is None
        assert row["kind"] in KINDS
        if row["fact_kind"].startswith("easy"):
            assert row["kind"] == row["fact_kind"]
        elif row["stated"]:
            assert row["kind"] == ("shared" if has_link else "independent")
        elif sources:
            assert row["kind"] == "transferred"
        else:
            assert row["kind"] == ("unlinked" if stating[row["uuid"]] else "unknown")
        assert not row["distractor"] or (not row["stated"] and sources)
    for fact in world.facts:
        assert bool(stating[fact.uuid]) == (fact.kind != "unknown") or fact.kind.startswith("easy")


def test_independent_facts_exist_within_one_script(world: World) -> None:
    """Otherwise 'independent' would only mean 'in another script'."""
    pairs = 0
    for fact in world.facts:
        kinds = [world.cells[code][fact.uuid].kind for code in ("qaa", "qab", "qac", "qad", "qae")]
        pairs += len(list(itertools.combinations([kind for kind in kinds if kind == "independent"], 2)))
    assert pairs > 400


def test_every_kind_is_there_in_numbers(world: World) -> None:
    counts = collections.Counter(planted_truth(world)["kind"].to_pylist())
    assert min(counts[kind] for kind in KINDS) > 150
    ways = collections.Counter(planted_truth(world)["stated_how"].to_pylist())
    assert min(ways[way] for way in STATED_HOW) > 20
    assert sum(planted_truth(world)["distractor"].to_pylist()) > 15


def test_the_table_of_truth_has_a_row_for_every_fact_and_language(either: World) -> None:
    table = planted_truth(either)
    assert table.schema == PLANTED_TRUTH
    rows = [(row["uuid"], row["language"]) for row in table.to_pylist()]
    assert len(set(rows)) == len(rows) == 472 * 8
    assert all(table["mentioned"].to_pylist())


def test_every_subject_is_named_in_every_language(either: World) -> None:
    for code in either.languages:
        text = "\n".join(article.text for article in either.articles[code])
        for fact in either.facts:
            assert either.labels[code][fact.subject_uri] in text


def test_sentences_state_what_was_planted_and_nothing_else(either: World) -> None:
    """Read back from the bare text: which sentence names a subject together with its object."""
    for code in either.languages:
        labels = either.labels[code]
        together = {fact.uuid: 0 for fact in either.facts}
        by_subject = {fact.subject_uri: fact for fact in either.facts}
        for sentence in sentences_of(either, code):
            named = {part.uri for part in sentence.parts if isinstance(part, Mention)}
            for uri in named & set(by_subject):
                together[by_subject[uri].uuid] += by_subject[uri].object_uri in named
        for fact in either.facts:
            cell = either.cells[code][fact.uuid]
            expected = cell.stated_how == "sentence" or cell.distractor
            assert bool(together[fact.uuid]) == expected, (code, fact, labels[fact.subject_uri])


def test_statements_across_sentences_stand_where_they_can_be_found(world: World) -> None:
    """next_sentence: the subject in the sentence before; pronoun: two before; both in one paragraph."""
    for code in world.languages:
        facts = {fact.uuid: fact for fact in world.facts}
        for article in world.articles[code]:
            for section in article.sections:
                for group in section.paragraphs:
                    for position, sentence in enumerate(group):
                        if not sentence.fact:
                            continue
                        fact, how = facts[sentence.fact], world.cells[code][sentence.fact].stated_how
                        back = {"sentence": 0, "next_sentence": 1, "pronoun": 2}[how or ""]
                        names = [
                            {part.uri for part in other.parts if isinstance(part, Mention)} for other in group
                        ]
                        assert fact.object_uri in names[position]
                        assert fact.subject_uri in names[position - back]
                        assert all(fact.subject_uri not in names[position - n] for n in range(back))


def test_some_subjects_stand_beside_a_wrong_object(world: World) -> None:
    by_subject = {fact.subject_uri: fact for fact in world.facts}
    objects = {fact.object_uri for fact in world.facts}
    for code in world.languages:
        wrong = 0
        for sentence in sentences_of(world, code):
            named = {part.uri for part in sentence.parts if isinstance(part, Mention)}
            wrong += any(named & (objects - {by_subject[uri].object_uri}) for uri in named & set(by_subject))
        assert wrong > 10


def test_every_entity_is_a_title_or_a_redirect(either: World) -> None:
    for code in either.languages:
        titles = [article.title for article in either.articles[code]]
        assert len(set(titles)) == len(titles)
        assert set(either.redirects[code]).isdisjoint(titles)
        assert set(either.redirects[code].values()) <= set(titles)
        assert set(either.labels[code].values()) <= set(titles) | set(either.redirects[code])


def test_corpora_differ_in_size(world: World) -> None:
    sizes = {code: sum(len(article.text) for article in world.articles[code]) for code in world.languages}
    assert max(sizes, key=sizes.__getitem__) == "qaa"
    assert {"qae", "qag"} == set(sorted(sizes, key=sizes.__getitem__)[:2])
    assert sizes["qaa"] > 2 * sizes["qae"]


def test_no_two_languages_of_the_disjoint_world_share_a_letter(disjoint: World, world: World) -> None:
    letters = {}
    for code in disjoint.languages:
        texts = [article.text + article.title for article in disjoint.articles[code]]
        texts += disjoint.labels[code].values()
        texts += [
            template.replace("[X]", "").replace("[Y]", "") for template in disjoint.templates[code].values()
        ]
        letters[code] = {letter for text in texts for letter in text if letter.isalpha()}
    for one, other in itertools.combinations(disjoint.languages, 2):
        assert letters[one].isdisjoint(letters[other])
    assert all(
        unicodedata.name(letter).startswith("HANGUL") for group in letters.values() for letter in group
    )
    assert all(
        unicodedata.normalize("NFC", letter) == letter for group in letters.values() for letter in group
    )
    # nothing but the letters differs
    assert planted_truth(disjoint).equals(planted_truth(world))
    for code in world.languages:
        pairs = {
            pair
            for one, other in zip(world.articles[code], disjoint.articles[code], strict=True)
            for pair in zip(one.text, other.text, strict=True)
        }
        assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_the_languages_are_well_formed() -> None:
    assert tuple(f"qa{letter}" for letter in "abcdefgh") == CODES
    assert linked("qah") == ()
    assert linked("qag") == ("qaf",)
    assert linked("qab")[0] == "qaa"
    assert len({language.script for language in LANGUAGES.values()}) == 3
    assert len({(made.latitude, made.longitude) for made in LANGUAGES.values()}) == 8
    for code in CODES:
        words = list(lexicon(code).values())
        assert len(set(words)) == len(words)
        names = namespace_names(code)
        assert len(set(names.values())) == len(names)


def test_the_release_reads_back_as_the_world(either: World, tmp_path: Path) -> None:
    write_release(either, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == list(either.languages)
    for code in either.languages:
        lines = (tmp_path / code / "templates.jsonl").read_text().splitlines()
        assert {row["relation"]: row["template"] for row in map(json.loads, lines)} == either.templates[code]
        read = {}
        for path in sorted((tmp_path / code).glob("P*.jsonl")):
            assert path.read_bytes().endswith(b"}\n")
            for line in path.read_text().splitlines():
                row = json.loads(line)
                assert list(row) == ["sub_uri", "obj_uri", "obj_label", "sub_label", "lineid", "uuid"]
                assert json.dumps(row) == line
                read[row["uuid"]] = (path.stem, row)
        assert len(read) == len(either.facts)
        for fact in either.facts:
            relation, row = read[fact.uuid]
            assert relation == fact.relation
            assert (row["sub_uri"], row["obj_uri"], row["lineid"]) == (
                fact.subject_uri,
                fact.object_uri,
                fact.line,
            )
            assert row["sub_label"] == either.labels[code][fact.subject_uri]
            assert row["obj_label"] == either.labels[code][fact.object_uri]


def test_the_light_modules_stay_light() -> None:
    code = (
        "import sys, factroots_dagster.sandbox.languages, factroots_dagster.sandbox.schema;"
        "print(sorted({'torch','transformers','numpy.random','scipy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "torch" not in result.stdout
    assert "transformers" not in result.stdout
