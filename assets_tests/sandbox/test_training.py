"""The vocabulary, the examples and a very short training: the same input gives the same bytes."""

from __future__ import annotations

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
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForMaskedLM

from assets_tests.sandbox.small_training import SMALL, all_texts, file_digests, texts_and_titles
from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.dials import PRESETS, parse_dials
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.schema import LOSS_LOG
from factroots_dagster.sandbox.training import (
    TrainingConfig,
    _encode_masked,
    checkpoint_steps,
    draw_batches,
    learning_rate_factor,
    train,
    training_config,
)
from factroots_dagster.sandbox.training_examples import make_examples, split_sentences
from factroots_dagster.sandbox.vocabulary import (
    SPECIAL_TOKENS,
    build_vocabulary,
    find_stems,
    make_tokenizer,
    save_tokenizer,
    split_words,
)


def test_the_vocabulary_does_not_depend_on_the_order_of_the_texts(any_world: World) -> None:
    texts = all_texts(any_world)
    vocabulary = build_vocabulary(texts, 6000)
    random.Random(1).shuffle(texts)
    assert build_vocabulary(texts, 6000) == vocabulary
    assert len(set(vocabulary)) == len(vocabulary) <= 6000
    assert tuple(vocabulary[:5]) == SPECIAL_TOKENS
    assert len(build_vocabulary(texts, 1500)) == 1500


@pytest.mark.parametrize("size", [1200, 6000])
def test_the_wordpieces_of_every_word_join_to_the_word(any_world: World, size: int) -> None:
    texts = all_texts(any_world)
    tokenizer = make_tokenizer(build_vocabulary(texts, size))
    for word in sorted({word for text in texts for word in split_words(text)}):
        pieces = tokenizer.tokenize(word)
        assert "[UNK]" not in pieces
        assert pieces[0] + "".join(piece.removeprefix("##") for piece in pieces[1:]) == word
    assert tokenizer.is_fast
    assert tokenizer.tokenize("[MASK] .") == ["[MASK]", "."]


def test_names_of_one_stem_share_a_piece_and_most_names_are_whole(world: World) -> None:
    texts = all_texts(world)
    tokenizer = make_tokenizer(build_vocabulary(texts, 6000))
    latin = ("qaa", "qab", "qac", "qad", "qae")
    for uri in {fact.object_uri for fact in world.facts if fact.relation == "P17"}:
        assert len({tokenizer.tokenize(world.labels[code][uri])[0] for code in latin}) == 1
    subjects = {fact.subject_uri for fact in world.facts}
    labels = [world.labels[code][uri] for code in world.languages for uri in subjects]
    whole = [len(tokenizer.tokenize(label)) == len(label.split()) for label in labels]
    assert np.mean(whole) > 0.85


def test_stems_are_the_longest_prefixes_that_several_words_share() -> None:
    words = ["Zarvelland", "Zarvelia", "Zarvelstan", "Zarvelrike", "Morbo", "Morbas"]
    assert find_stems(words) == {"Zarvel"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=8), st.integers(5, 200))
def test_any_text_gives_a_vocabulary_whose_tokenizer_knows_its_words(texts: list[str], size: int) -> None:
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
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.get_vocab() == tokenizer.get_vocab()
    assert loaded("Zarvel lies.")["input_ids"] == tokenizer("Zarvel lies.")["input_ids"]
    with pytest.raises(InputError, match=r"already holds a tokenizer\.json.*To fix it, "):
        save_tokenizer(tokenizer, tmp_path)


def test_lines_are_split_into_sentences_and_titles_are_dropped() -> None:
    assert split_sentences("History\nA is b. C is d.\n\nE?\nno end") == [["A is b.", "C is d."], ["E?"]]


def test_an_example_holds_its_mentions_and_the_antecedent_of_a_pronoun() -> None:
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
    config = TrainingConfig()
    rates = [learning_rate_factor(step, 900, config) for step in range(1, 901)]
    peak = int(np.argmax(rates))
    assert rates[peak] == 1 and peak == round(900 * config.warm_up) - 1
    assert np.all(np.diff(rates[: peak + 1]) > 0) and np.all(np.diff(rates[peak:]) < 0)
    assert rates[-1] == pytest.approx(config.final_rate)


@pytest.fixture(scope="module")
def trained(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    texts, titles = texts_and_titles(world, 25)
    log = train(texts, folder, seed=1, steps=3, save_at=(2, 3), entities=titles, config=SMALL)
    assert log.schema == LOSS_LOG
    assert log["step"].to_pylist() == [1, 2, 3]
    return folder


def test_a_training_gives_the_same_bytes_twice_and_leaves_torch_as_it_was(
    trained: Path, world: World, tmp_path: Path
) -> None:
    texts, titles = texts_and_titles(world, 25)
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    messages: list[str] = []
    torch.set_num_threads(2)
    try:
        train(
            texts,
            tmp_path,
            seed=1,
            steps=3,
            save_at=(2, 3),
            entities=titles,
            config=SMALL,
            progress=messages.append,
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert file_digests(tmp_path) == file_digests(trained)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert messages and messages[-1].startswith("training: step 3 of 3, loss ")


def test_another_process_trains_the_same_model(trained: Path, world: World, tmp_path: Path) -> None:
    code = (
        "import sys;from pathlib import Path;import torch;torch.set_num_threads(1);"
        "from assets_tests.sandbox.small_training import SMALL, texts_and_titles;"
        "from factroots_dagster.sandbox.dials import PRESETS;"
        "from factroots_dagster.sandbox.training import train;"
        "from factroots_dagster.sandbox.world import generate;"
        f"texts, titles = texts_and_titles(generate({world.seed}, PRESETS['easy']), 25);"
        "train(texts, Path(sys.argv[1]), seed=1, steps=3, save_at=(2, 3), entities=titles, config=SMALL)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=root, capture_output=True)
    assert file_digests(tmp_path) == file_digests(trained)


def test_another_seed_gives_another_model(trained: Path, world: World, tmp_path: Path) -> None:
    texts, titles = texts_and_titles(world, 25)
    train(texts, tmp_path, seed=2, steps=2, save_at=(2,), entities=titles, config=SMALL)
    weights = "step-0002/model.safetensors"
    assert file_digests(tmp_path)[weights] != file_digests(trained)[weights]


def test_a_checkpoint_is_a_complete_folder_without_local_paths(trained: Path) -> None:
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
    with pytest.raises(InputError, match=r"no sentence to train on\. To fix it, materialize"):
        train({"qaa": ["History"]}, tmp_path, seed=0, steps=1, save_at=(1,), config=SMALL)


def test_a_language_enters_after_its_step_and_not_before(world: World) -> None:
    texts, titles = texts_and_titles(world, articles=30)
    chosen = {code: texts[code] for code in ("qaa", "qaf")}
    tokenizer = make_tokenizer(build_vocabulary(all_texts(world), 3000))
    examples = make_examples(chosen, tokenizer, titles, 64)
    cyrillic = {
        i for token, i in tokenizer.get_vocab().items() if any(0x400 <= ord(c) < 0x500 for c in token)
    }

    def cyrillic_batches(learned_after: dict[str, int]) -> list[bool]:
        batches = draw_batches(
            examples, learned_after, tokenizer, len(tokenizer), SMALL, np.random.default_rng(0)
        )
        # random replacements put stray tokens into any batch, but not a tenth of them
        shares = [np.isin(next(batches).targets.numpy(), [*cyrillic]).mean() for _ in range(80)]
        return [share > 0.1 for share in shares]

    assert not any(cyrillic_batches({"qaf": 40})[:40])
    assert any(cyrillic_batches({"qaf": 40})[40:])
    assert any(cyrillic_batches({})[:20])


def test_some_language_has_to_be_read_from_the_first_step_on(world: World, tmp_path: Path) -> None:
    texts, titles = texts_and_titles(world, articles=3)
    late = dict.fromkeys(texts, 10)
    with pytest.raises(InputError, match="no language is read from the first step on"):
        train(texts, tmp_path, seed=0, steps=1, entities=titles, learned_after=late, config=SMALL)


def test_a_given_vocabulary_is_kept(world: World, tmp_path: Path) -> None:
    texts, titles = texts_and_titles(world, articles=3)
    vocabulary = build_vocabulary(all_texts(world), 2000)
    train(texts, tmp_path, seed=0, steps=1, save_at=[1], entities=titles, vocabulary=vocabulary, config=SMALL)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "step-0001")
    assert sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get) == vocabulary


def test_the_easy_world_is_trained_as_the_defaults_say_and_others_by_their_dials() -> None:
    easy = PRESETS["easy"]
    assert training_config(easy) == TrainingConfig() and checkpoint_steps(easy.steps) == (1000, 2000, 3000)
    config = training_config(parse_dials("demo", "hidden=96,layers=3,learning_rate=0.001"))
    assert (config.hidden, config.heads, config.intermediate) == (96, 3, 384)
    assert (config.layers, config.learning_rate) == (3, 0.001)
    assert checkpoint_steps(2) == (1, 2)


def test_masked_positions_get_the_states_and_gradients_of_a_whole_pass(world: World) -> None:
    texts, titles = texts_and_titles(world, articles=10)
    tokenizer = make_tokenizer(build_vocabulary(all_texts(world), 2000))
    examples = make_examples(texts, tokenizer, titles, 64)
    batch = next(draw_batches(examples, {}, tokenizer, len(tokenizer), SMALL, np.random.default_rng(0)))
    assert (batch.attention == 0).any()  # padding takes part
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertForMaskedLM(config)
    states, gradients = [], []
    for encode in (
        lambda: _encode_masked(model, batch),
        lambda: model.bert(batch.ids, batch.attention).last_hidden_state[batch.masked],
    ):
        model.zero_grad()
        hidden = encode()
        torch.nn.functional.cross_entropy(model.cls(hidden), batch.targets).backward()
        states.append(hidden.detach())
        gradients.append(
            {
                name: weights.grad.clone()
                for name, weights in model.named_parameters()
                if weights.grad is not None
            }
        )
    assert torch.allclose(*states, atol=1e-5)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], atol=1e-5), name
