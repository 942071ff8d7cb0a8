"""Templates in the form of a question: those that come with the package, and those of a fact set."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from assets_tests.facts.releases import fact, write_release
from assets_tests.models.tiny import WORDS, save_checkpoint
from assets_tests.orchestration.bodies import run_body
from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.split import list_relation_files, read_question_templates
from factroots_dagster.facts.questions import shipped_questions
from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.orchestration.assets import facts, probing, sources
from factroots_dagster.orchestration.assets.asked import read_asked
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

RELATIONS = {"P17", "P19", "P36", "P37", "P103"}
SCRIPTS = {
    **dict.fromkeys(("be", "bg", "ru", "sr", "uk"), "CYRILLIC"),
    **dict.fromkeys(("ar", "fa", "ur"), "ARABIC"),
    **{"bn": "BENGALI", "el": "GREEK", "he": "HEBREW", "hi": "DEVANAGARI", "hy": "ARMENIAN"},
    **{"ka": "GEORGIAN", "ko": "HANGUL", "ta": "TAMIL", "th": "THAI", "zh": "CJK"},
}


@pytest.mark.parametrize("language", MLAMA_PLACES)
def test_every_language_has_five_questions_that_end_in_the_object(language: str) -> None:
    questions = shipped_questions(language)
    assert questions.keys() == RELATIONS
    assert len(set(questions.values())) == 5
    for template in questions.values():
        assert template.count("[X]") == template.count("[Y]") == 1
        assert template.endswith("[Y]") and template.index("[X]") < template.index("[Y]")
        assert re.search(r"[?？؟;։]", template)
        assert unicodedata.is_normalized("NFC", template) and not re.search(r"\s\s|\|", template)
        letters = [letter for letter in template if letter.isalpha() and letter not in "XY"]
        if script := SCRIPTS.get(language):
            assert all(unicodedata.name(letter).startswith(script) for letter in letters)


def test_no_two_languages_share_a_question_but_close_relatives() -> None:
    owners: dict[str, list[str]] = {}
    for language in MLAMA_PLACES:
        for template in shipped_questions(language).values():
            owners.setdefault(template, []).append(language)
    assert all(len(languages) == 1 for languages in owners.values()), owners
    assert shipped_questions("tlh") == {}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    capitals = [fact(f"u{n}", WORDS[n], WORDS[20 + n], obj_uri=f"Q{n}") for n in range(4)]
    born = [fact(f"v{n}", WORDS[n], WORDS[9 + n], obj_uri=f"Q{n}") for n in range(4)]
    folder = write_release(tmp_path / "release", {"cy": {"P36": capitals, "P47": born}})
    rows = [{"relation": "P47", "template": "next to [X] is [Y]"}]
    (folder / "cy" / "question_templates.jsonl").write_text(json.dumps(rows[0]), encoding="utf-8")
    return folder


def test_questions_of_a_fact_set_are_read(release: Path) -> None:
    expected = [{"language": "cy", "relation": "P47", "template": "next to [X] is [Y]"}]
    assert read_question_templates(release, "cy").to_pylist() == expected
    assert read_question_templates(release, "cy", ["P36"]).num_rows == 0
    assert [path.name for path in list_relation_files(release / "cy")] == ["P36.jsonl", "P47.jsonl"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["next to [X] is it"], r"P47 has \[Y\] 0 times"),
        (["next to [X] is [Y]", "is [X] near [Y]"], "second question of relation P47"),
    ],
)
def test_broken_questions_are_refused(release: Path, lines: list[str], words: str) -> None:
    text = "\n".join(json.dumps({"relation": "P47", "template": line}) for line in lines)
    (release / "cy" / "question_templates.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_question_templates(release, "cy")


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_decoders_are_asked_with_questions(family: str, release: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoints" / "tiny", family)

    def ask(questions: str) -> tuple[dict[str, str], list[Any]]:
        """The templates by which the relations are asked, and the answers to their facts."""
        settings = Settings(
            world="mlama",
            data_root=tmp_path / questions,
            mlama_source=str(release),
            languages=("cy",),
            checkpoints=tmp_path / "checkpoints",
            questions=questions,
        )
        run_body(settings, "mlama_release", sources.mlama_release)
        run_body(settings, "mlama_split", facts.mlama_split, "cy")
        run_body(settings, "checkpoint", sources.checkpoint, "tiny")
        asked: dict[str, str] = {}

        def probe(step: Step, checkpoint: str, language: str) -> None:
            table = read_asked(step, checkpoint, language)
            asked.update(zip(table["relation"].to_pylist(), table["template"].to_pylist(), strict=True))
            probing.probe(step, checkpoint, language)

        run_body(settings, "predictions", probe, "tiny", "cy")
        store = Store(settings.data_root, settings.world)
        return asked, store.read("predictions", "tiny", "cy")["object_logprob"].to_pylist()

    cloze = {"P36": "[X] P36 [Y] .", "P47": "[X] P47 [Y] ."}
    plain, answers = ask("none")
    assert plain == cloze
    for questions, changed in (
        ("shipped", {"P36": shipped_questions("cy")["P36"]}),
        ("release", {"P47": "next to [X] is [Y]"}),
    ):
        asked, others = ask(questions)
        assert asked == (cloze | changed if family == "llama" else cloze)
        differing = {row for row in range(8) if answers[row] != others[row]}
        own = {0, 1, 2, 3} if questions == "shipped" else {4, 5, 6, 7}
        assert differing == (own if family == "llama" else set())
