"""A training run on a hub: registered by one command, asked, and traced in the order of its steps."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
import transformers
from click.testing import CliRunner

from assets_tests.facts.releases import fact, write_release
from assets_tests.models.hub import serving
from assets_tests.models.tiny import WORDS, mask_logits, save_checkpoint
from assets_tests.orchestration.bodies import run_body
from assets_tests.orchestration.runs import materialize
from assets_tests.project import make_home
from assets_tests.roots.tables import rows, source_row
from factroots_dagster.cli.main import main
from factroots_dagster.orchestration.assets import probing, sources
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.schema import FACT_SOURCES

STEPS = (0, 1, 2, 8, 16, 128, 512, 1000, 5000, 10000, 100000, 143000)
"""As Pythia's branches; in the order of their names 1000 comes before 128."""
LANGUAGES = ("el", "uk")
SUBJECTS = [*WORDS, *(f"{one} {other}" for one, other in pairwise(WORDS))]


def answer(model: object, tokenizer: object, template: str, subject: str) -> str | None:
    """What plain transformers fills in for one mask; None unless it is a whole word."""
    token = int(mask_logits(model, tokenizer, template, subject, 1).argmax())
    word = tokenizer.decode([token]).strip()
    return word if tokenizer(word, add_special_tokens=False)["input_ids"] == [token] else None


@pytest.fixture
def run(tmp_path: Path) -> dict[int, Path]:
    """The checkpoints of a run, by step: other weights at every step."""
    return {step: save_checkpoint(tmp_path / f"step{step}", seed=seed) for seed, step in enumerate(STEPS)}


def test_a_run_on_a_hub_is_traced_from_its_registration_to_the_timeline(
    run: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    template = "[X] P36 [Y] ."
    answers: dict[str, dict[int, str | None]] = {subject: {} for subject in SUBJECTS}
    for step, folder in run.items():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
        for subject in SUBJECTS:
            answers[subject][step] = answer(model, tokenizer, template, subject)
    # The object of a fact is what one of the checkpoints answers: another one for every fact.
    objects: dict[str, str] = {}
    for step in STEPS:
        subject = next(name for name in SUBJECTS if name not in objects and answers[name][step])
        objects[subject] = answers[subject][step]
    facts = {
        language: {
            "P36": [
                fact(f"{language}{number}", subject, objects[subject])
                for number, subject in enumerate(objects)
            ]
        }
        for language in LANGUAGES
    }
    release = write_release(tmp_path / "release", facts)
    for name, value in {
        "DAGSTER_HOME": str(make_home(tmp_path / "home")),
        "FACTROOTS_WORLD": "mlama",
        "FACTROOTS_LANGUAGES": ",".join(LANGUAGES),
        "FACTROOTS_DATA_ROOT": str(tmp_path / "data"),
        "FACTROOTS_MLAMA_SOURCE": str(release),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    shuffled = random.Random(0).sample(STEPS, len(STEPS))
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.revisions["owner/run"] = {"main": run[STEPS[-1]]} | {
            f"step{step}": run[step] for step in shuffled
        }
        added = CliRunner().invoke(main, ["checkpoints", "add", "owner/run", "--revisions", "step*"])
        assert added.exit_code == 0, added.output
        keys = added.stdout.split()
        assert keys == [f"owner--run-step{step}" for step in STEPS]
        settings = load_settings()
        materialize(settings, "mlama_release")
        for language in LANGUAGES:
            materialize(settings, "mlama_split", partition=language)
        for key in keys:
            run_body(settings, "checkpoint", sources.checkpoint, key)
            for language in LANGUAGES:
                run_body(settings, "predictions", probing.probe, key, language)
    store = Store(settings.data_root, "mlama")
    for language in LANGUAGES:
        found = [source_row(f"{language}{number}", language, 1) for number in range(len(objects))]
        with store.write_partition("fact_sources", language, code_version="1") as writer:
            writer.write(rows(FACT_SOURCES, found), FACT_SOURCES)
    materialize(settings, "knowledge_timeline")
    timeline = store.read("knowledge_timeline").to_pylist()
    assert {row["run"] for row in timeline} == {keys[-1]}
    expected = {
        f"{language}{number}": min(step for step in STEPS if answers[subject][step] == objects[subject])
        for language in LANGUAGES
        for number, subject in enumerate(objects)
    }
    assert {row["uuid"]: row["first_known"] for row in timeline} == expected
    assert len(set(expected.values())) > 6
