"""The vocabulary, the examples and a very short training: the same input gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForMaskedLM, AutoTokenizer

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.corpus import make_examples, sentences
from factroots_dagster.sandbox.model import World
from factroots_dagster.sandbox.training import LOSS_LOG, Recipe, schedule, train
from factroots_dagster.sandbox.vocabulary import (
    SPECIAL_TOKENS,
    build_vocabulary,
    find_stems,
    make_tokenizer,
    save_tokenizer,
    split_words,
)

SMALL = Recipe(vocabulary=0.6, hidden=32, intermediate=64, heads=2, batch=16, log_every=1)


def corpus(world: World, articles: int | None = None) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    texts = {code: [a.text for a in world.articles[code][:articles]] for code in world.languages}
    titles = {
        code: [a.title for a in world.articles[code]] + list(world.redirects[code])
        for code in world.languages
    }
    return texts, titles


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_vocabulary_does_not_depend_on_the_order_of_the_texts(either: World) -> None:
    texts = [text for group in corpus(either)[0].values() for text in group]
    vocabulary = build_vocabulary(texts, 6000)
    random.Random(1).shuffle(texts)
    assert build_vocabulary(texts, 6000) == vocabulary
    assert len(set(vocabulary)) == len(vocabulary) <= 6000
    assert tuple(vocabulary[:5]) == SPECIAL_TOKENS
    assert len(build_vocabulary(texts, 1500)) == 1500


@pytest.mark.parametrize("size", [1200, 6000])
def test_every_word_of_the_corpus_is_cut_and_put_together_again(either: World, size: int) -> None:
    texts = [text for group in corpus(either)[0].values() for text in group]
    tokenizer = make_tokenizer(build_vocabulary(texts, size))
    for word in sorted({word for text in texts for word in split_words(text)}):
        pieces = tokenizer.tokenize(word)
        assert "[UNK]" not in pieces
        assert pieces[0] + "".join(piece.removeprefix("##") for piece in pieces[1:]) == word
    assert tokenizer.is_fast
    assert tokenizer.tokenize("[MASK] .") == ["[MASK]", "."]


def test_names_of_one_stem_share_a_piece_and_names_are_whole(world: World) -> None:
    texts = [text for group in corpus(world)[0].values() for text in group]
    tokenizer = make_tokenizer(build_vocabulary(texts, 6000))
    countries = {f.object_uri for f in world.facts if f.relation == "P17"}
    for uri in countries:
        assert (
            len(
                {
                    tokenizer.tokenize(world.labels[code][uri])[0]
                    for code in ("qaa", "qab", "qac", "qad", "qae")
                }
            )
            == 1
        )
    subjects = {f.subject_uri for f in world.facts}
    labels = [world.labels[code][uri] for code in world.languages for uri in subjects]
    whole = [len(tokenizer.tokenize(label)) == len(label.split()) for label in labels]
    assert np.mean(whole) > 0.85


def test_stems_are_beginnings_where_several_words_part() -> None:
    words = ["Zarvelland", "Zarvelia", "Zarvelstan", "Zarvelrike", "Morbo", "Morbas"]
    assert find_stems(words) == {"Zarvel"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=8), st.integers(5, 200))
def test_any_text_gives_a_vocabulary(texts: list[str], size: int) -> None:
    vocabulary = build_vocabulary(texts, size)
    assert len(set(vocabulary)) == len(vocabulary)
    assert build_vocabulary(list(reversed(texts)), size) == vocabulary
    tokenizer = make_tokenizer(vocabulary)
    for text in texts:
        for word in split_words(text):
            assert len(word) > 100 or "[UNK]" not in tokenizer.tokenize(word)


def test_a_tokenizer_is_never_saved_over_another_one(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(build_vocabulary(["Zarvel lies in Morbo."], 100))
    save_tokenizer(tokenizer, tmp_path)
    read = AutoTokenizer.from_pretrained(tmp_path)
    assert read.get_vocab() == tokenizer.get_vocab()
    assert read("Zarvel lies.")["input_ids"] == tokenizer("Zarvel lies.")["input_ids"]
    with pytest.raises(FileExistsError, match=r"tokenizer\.json"):
        save_tokenizer(tokenizer, tmp_path)


def test_sentences_are_cut_at_their_ends_and_titles_fall_away() -> None:
    assert sentences("History\nA is b. C is d.\n\nE?\nno end") == [["A is b.", "C is d."], ["E?"]]


def test_examples_hold_the_mentions_and_what_a_pronoun_points_to() -> None:
    text = "Old Zarvel is old. Winters are long. It lies in Morbo. Old Zarvel met Morbo."
    tokenizer = make_tokenizer(build_vocabulary([text], 200))
    examples = make_examples({"qaa": [text]}, tokenizer, {"qaa": ["Old Zarvel", "Morbo", "Zarvel"]}, 64)
    decoded = [tokenizer.convert_ids_to_tokens(ids[1:-1].tolist()) for ids in examples.ids]
    assert [" ".join(tokens) for tokens in decoded] == [
        "Old Zarvel is old .",
        "Old Zarvel is old . Winters are long .",
        "Old Zarvel is old . Winters are long . It lies in Morbo .",
        "Old Zarvel met Morbo .",
    ]
    spans = [
        [(" ".join(tokens[first - 1 : last - 1]), count) for first, last, count in rows.tolist()]
        for tokens, rows in zip(decoded, examples.spans, strict=True)
    ]
    assert spans[2] == [("Old Zarvel", 4), ("Morbo", 2)]
    assert spans[3] == [("Old Zarvel", 4), ("Morbo", 2)]


def test_the_learning_rate_rises_and_ends_annealed() -> None:
    recipe = Recipe()
    rates = [schedule(step, 900, recipe) for step in range(1, 901)]
    peak = int(np.argmax(rates))
    assert rates[peak] == 1 and peak == round(900 * recipe.warm_up) - 1
    assert np.all(np.diff(rates[: peak + 1]) > 0) and np.all(np.diff(rates[peak:]) < 0)
    assert rates[-1] == pytest.approx(recipe.final_rate)


@pytest.fixture(scope="module")
def trained(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    texts, titles = corpus(world, 25)
    log = train(texts, folder, seed=1, steps=3, save_at=(2, 3), entities=titles, recipe=SMALL)
    assert log.schema == LOSS_LOG
    assert log["step"].to_pylist() == [1, 2, 3]
    return folder


def test_a_training_gives_the_same_bytes_twice_and_leaves_torch_as_it_was(
    trained: Path, world: World, tmp_path: Path
) -> None:
    texts, titles = corpus(world, 25)
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    told: list[str] = []
    train(
        texts, tmp_path, seed=1, steps=3, save_at=(2, 3), entities=titles, recipe=SMALL, progress=told.append
    )
    assert digests(tmp_path) == digests(trained)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)
    assert told


def test_another_process_trains_the_same_model(trained: Path, world: World, tmp_path: Path) -> None:
    code = (
        "import sys;from pathlib import Path;import torch;torch.set_num_threads(1);"
        "from assets_tests.sandbox.test_training import SMALL, corpus;"
        "from factroots_dagster.sandbox.training import train;"
        "from factroots_dagster.sandbox.world import generate;"
        f"texts, titles = corpus(generate({world.seed}), 25);"
        "train(texts, Path(sys.argv[1]), seed=1, steps=3, save_at=(2, 3), entities=titles, recipe=SMALL)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=root, capture_output=True)
    assert digests(tmp_path) == digests(trained)


def test_another_seed_gives_another_model(trained: Path, world: World, tmp_path: Path) -> None:
    texts, titles = corpus(world, 25)
    train(texts, tmp_path, seed=2, steps=2, save_at=(2,), entities=titles, recipe=SMALL)
    weights = "step-0002/model.safetensors"
    assert digests(tmp_path)[weights] != digests(trained)[weights]


def test_a_checkpoint_is_a_complete_folder_that_says_nothing_of_where_it_was_made(trained: Path) -> None:
    assert sorted(path.name for path in trained.iterdir()) == ["step-0002", "step-0003"]
    folder = trained / "step-0003"
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert not {name for name in names if name.endswith((".bin", ".pkl", ".pt"))}
    for path in folder.glob("*.json"):
        assert str(trained) not in path.read_text()
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["BertForMaskedLM"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder, use_safetensors=True)
    output = model(**tokenizer("[MASK] .", return_tensors="pt")).logits
    assert output.shape[-1] == len(tokenizer) == model.config.vocab_size
    assert torch.isfinite(output).all()


def test_texts_without_a_sentence_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sentence"):
        train({"qaa": ["History"]}, tmp_path, seed=0, steps=1, save_at=(1,), recipe=SMALL)
