"""What holds in every generated world, whatever its seed."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.sandbox.records import Mention, World
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.truth import planted_truth_table
from factroots_dagster.sandbox.world import generate

LETTERS = {"Latn": "LATIN", "Cyrl": "CYRILLIC", "Grek": "GREEK"}


def sentences_of(world: World, code: str):
    return [sentence for article in world.articles[code] for sentence in article.sentences]


def test_a_seed_always_gives_the_same_world(world: World) -> None:
    assert generate(world.seed, PRESETS["easy"]) == world
    assert generate(world.seed + 1, PRESETS["easy"]).labels != world.labels


def test_another_process_gives_the_same_world(world: World) -> None:
    program = (
        "import hashlib; from factroots_dagster.sandbox.dials import PRESETS;"
        "from factroots_dagster.sandbox.world import generate;"
        "worlds = [repr(generate(3, PRESETS[name])) for name in ('easy', 'demo')];"
        "print([hashlib.sha256(world.encode()).hexdigest() for world in worlds])"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
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
    assert uuids.isdisjoint(fact.uuid for fact in generate(world.seed + 1, PRESETS["easy"]).facts)
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
def test_an_object_s_label_is_part_of_a_subject_s_label_only_in_easy_token_facts(seed: int) -> None:
    world = generate(seed, PRESETS["easy"])
    for code in world.languages:
        labels = {uri: label.lower() for uri, label in world.labels[code].items()}
        objects = {fact.object_uri for fact in world.facts}
        for fact in world.facts:
            inside = {uri for uri in objects if labels[uri] in labels[fact.subject_uri]}
            assert inside == ({fact.object_uri} if fact.kind == "easy_token" else set())


def test_every_template_has_one_slot_of_each_kind(any_world: World) -> None:
    for templates in any_world.templates.values():
        assert set(templates) == {"P17", "P19", "P36", "P103", "P127", "P140", "P159", "P176"}
        for template in templates.values():
            assert template.count("[X]") == template.count("[Y]") == 1


def test_languages_of_a_script_spell_names_alike_except_in_independent_facts(world: World) -> None:
    for fact in world.facts:
        names = [world.labels[code][fact.subject_uri] for code in ("qaa", "qab", "qac", "qad", "qae")]
        if fact.kind == "independent":
            surnames = {
                name.split()[-1] if fact.relation in ("P19", "P103", "P140") else name for name in names
            }
            assert len(surnames) == len(names)
        elif fact.kind != "easy_token":
            assert len(set(names)) == 1


def test_independent_facts_exist_within_one_script(world: World) -> None:
    """Otherwise `independent` would only mean `in another script`."""
    pairs = 0
    for fact in world.facts:
        kinds = [world.truth[code][fact.uuid].kind for code in ("qaa", "qab", "qac", "qad", "qae")]
        pairs += len(list(itertools.combinations([kind for kind in kinds if kind == "independent"], 2)))
    assert pairs > 400


def test_every_subject_is_named_in_every_language(any_world: World) -> None:
    for code in any_world.languages:
        text = "\n".join(article.text for article in any_world.articles[code])
        for fact in any_world.facts:
            assert any_world.labels[code][fact.subject_uri] in text


def test_sentences_state_what_was_planted_and_nothing_else(any_world: World) -> None:
    """That is, which sentences name a subject together with its object."""
    for code in any_world.languages:
        labels = any_world.labels[code]
        together = {fact.uuid: 0 for fact in any_world.facts}
        by_subject = {fact.subject_uri: fact for fact in any_world.facts}
        for sentence in sentences_of(any_world, code):
            named = {part.uri for part in sentence.parts if isinstance(part, Mention)}
            for uri in named & set(by_subject):
                together[by_subject[uri].uuid] += by_subject[uri].object_uri in named
        for fact in any_world.facts:
            planted = any_world.truth[code][fact.uuid]
            expected = planted.stated_how == "sentence" or planted.distractor
            assert bool(together[fact.uuid]) == expected, (code, fact, labels[fact.subject_uri])


def test_a_statement_with_a_pronoun_follows_its_subject_in_the_same_paragraph(world: World) -> None:
    """next_sentence: the subject is one sentence before; pronoun: two sentences before."""
    for code in world.languages:
        facts = {fact.uuid: fact for fact in world.facts}
        for article in world.articles[code]:
            for section in article.sections:
                for paragraph in section.paragraphs:
                    for position, sentence in enumerate(paragraph):
                        if not sentence.fact:
                            continue
                        fact, how = facts[sentence.fact], world.truth[code][sentence.fact].stated_how
                        distance = {"sentence": 0, "next_sentence": 1, "pronoun": 2}[how or ""]
                        names = [
                            {part.uri for part in other.parts if isinstance(part, Mention)}
                            for other in paragraph
                        ]
                        assert fact.object_uri in names[position]
                        assert fact.subject_uri in names[position - distance]
                        assert all(fact.subject_uri not in names[position - n] for n in range(distance))


def test_some_sentences_name_a_subject_with_a_wrong_object(world: World) -> None:
    by_subject = {fact.subject_uri: fact for fact in world.facts}
    objects = {fact.object_uri for fact in world.facts}
    for code in world.languages:
        wrong = 0
        for sentence in sentences_of(world, code):
            named = {part.uri for part in sentence.parts if isinstance(part, Mention)}
            wrong += any(named & (objects - {by_subject[uri].object_uri}) for uri in named & set(by_subject))
        assert wrong > 10


def test_every_entity_is_a_title_or_a_redirect(any_world: World) -> None:
    for code in any_world.languages:
        titles = [article.title for article in any_world.articles[code]]
        assert len(set(titles)) == len(titles)
        assert set(any_world.redirects[code]).isdisjoint(titles)
        assert set(any_world.redirects[code].values()) <= set(titles)
        assert set(any_world.labels[code].values()) <= set(titles) | set(any_world.redirects[code])


def test_the_hub_has_the_largest_corpus_and_two_languages_small_ones(world: World) -> None:
    sizes = {code: sum(len(article.text) for article in world.articles[code]) for code in world.languages}
    assert max(sizes, key=sizes.__getitem__) == "qaa"
    assert {"qae", "qag"} == set(sorted(sizes, key=sizes.__getitem__)[:2])
    assert sizes["qaa"] > 2 * sizes["qae"]


def test_no_two_languages_of_the_control_world_share_a_letter(control_world: World, world: World) -> None:
    letters = {}
    for code in control_world.languages:
        texts = [article.text + article.title for article in control_world.articles[code]]
        texts += control_world.labels[code].values()
        texts += [
            template.replace("[X]", "").replace("[Y]", "")
            for template in control_world.templates[code].values()
        ]
        letters[code] = {letter for text in texts for letter in text if letter.isalpha()}
    for one, other in itertools.combinations(control_world.languages, 2):
        assert letters[one].isdisjoint(letters[other])
    assert all(
        unicodedata.name(letter).startswith("HANGUL") for group in letters.values() for letter in group
    )
    assert all(
        unicodedata.normalize("NFC", letter) == letter for group in letters.values() for letter in group
    )
    # nothing but the letters differs, and so no name can cross
    tables = [planted_truth_table(either) for either in (control_world, world)]
    assert tables[0].drop_columns("crossing").equals(tables[1].drop_columns("crossing"))
    assert tables[0]["crossing"].null_count == len(tables[0])
    for code in world.languages:
        pairs = {
            pair
            for one, other in zip(world.articles[code], control_world.articles[code], strict=True)
            for pair in zip(one.text, other.text, strict=True)
        }
        assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_the_release_reads_back_as_the_world(any_world: World, tmp_path: Path) -> None:
    write_release(any_world, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == list(any_world.languages)
    for code in any_world.languages:
        lines = (tmp_path / code / "templates.jsonl").read_text().splitlines()
        assert {row["relation"]: row["template"] for row in map(json.loads, lines)} == any_world.templates[
            code
        ]
        rows = {}
        for path in sorted((tmp_path / code).glob("P*.jsonl")):
            assert path.read_bytes().endswith(b"}\n")
            for line in path.read_text().splitlines():
                row = json.loads(line)
                assert list(row) == ["sub_uri", "obj_uri", "obj_label", "sub_label", "lineid", "uuid"]
                assert json.dumps(row) == line
                rows[row["uuid"]] = (path.stem, row)
        assert len(rows) == len(any_world.facts)
        for fact in any_world.facts:
            relation, row = rows[fact.uuid]
            assert relation == fact.relation
            assert (row["sub_uri"], row["obj_uri"], row["lineid"]) == (
                fact.subject_uri,
                fact.object_uri,
                fact.line,
            )
            assert row["sub_label"] == any_world.labels[code][fact.subject_uri]
            assert row["obj_label"] == any_world.labels[code][fact.object_uri]


def test_languages_and_dials_load_without_third_party_packages() -> None:
    program = (
        "import sys, factroots_dagster.sandbox.dials, factroots_dagster.sandbox.languages;"
        "print(sorted({'torch', 'transformers', 'scipy', 'numpy', 'pyarrow', 'babel'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout == "[]\n"
