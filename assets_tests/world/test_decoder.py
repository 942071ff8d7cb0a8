"""A decoder through the whole graph, next to a masked model."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_tests.orchestration.golden.world import KEY
from assets_tests.project import assets_by, make_home
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.models.registry import add
from factroots_dagster.orchestration.partitions import CELL, CHECKPOINT, checkpoint_set
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

DECODER = "small-gpt2"


def save_decoder(folder: Path, texts: list[str]) -> None:
    """Save a GPT-2 of two random layers, with weights so large that its answers differ."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    from assets_tests.models.tiny import draw_large_weights

    end = "<|endoftext|>"
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=[end],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=end, eos_token=end, unk_token=end, model_max_length=128
    )
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=128,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPT2LMHeadModel(config)
    draw_large_weights(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def predict(folder: Path, template: str, subject: str, labels: list[str]) -> str | None:
    """The label that plain transformers rank first, if it leads by more than without the subject."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from assets_tests.models import tiny

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    from factroots_dagster.probing.causal import split_at_object

    before, after = split_at_object(template, None)
    scores = tiny.sentence_scores(model, tokenizer, template.replace("[X]", subject), labels)
    prior = tiny.sentence_scores(model, tokenizer, f"{before}[Y]{after}", labels)
    best = max(scores, key=scores.__getitem__)
    return best if tiny.lead(scores, best) > tiny.lead(prior, best) else None


@pytest.mark.slow
def test_a_decoder_is_probed_typed_and_reported(tiny_copy: Settings, tmp_path: Path) -> None:
    settings = tiny_copy
    store = Store(settings.data_root, settings.world)
    languages = settings.active_languages
    splits = {language: store.read("mlama_split", language) for language in languages}
    texts = store.read("wikipedia_articles", languages[0], columns=["text"])["text"].drop_null().to_pylist()
    save_decoder(tmp_path / DECODER, texts)
    add(settings, str(tmp_path / DECODER))

    with dg.DagsterInstance.from_config(str(make_home(tmp_path / "home"))) as instance:
        instance.add_dynamic_partitions(checkpoint_set(settings.world), [DECODER, KEY])
        run = stage_runner(settings, instance, print).run  # raises if a run or a blocking check fails
        run("checkpoint", ["checkpoint"], DECODER)
        run("probing", assets_by(settings, *CELL), f"{DECODER}|{languages[0]}", f"{DECODER}|{languages[-1]}")
        run(
            "conclusions", [name for name in assets_by(settings, CHECKPOINT) if name != "checkpoint"], DECODER
        )
        run("comparison", ["checkpoint_comparison"])

    correct = asked = 0
    for language, split in splits.items():
        predictions = store.read("predictions", DECODER, language)
        answers = predictions.drop(["language", "relation"])
        facts = split.join(answers.drop(["object_ids", "predicted_ids", "ranking"]), "uuid").to_pylist()
        labels: dict[str, set[str]] = {}
        for fact in facts:
            labels.setdefault(fact["relation"], set()).add(fact["object"])
        for number, fact in enumerate(sorted(facts, key=lambda fact: fact["uuid"])):
            of_relation = sorted(labels[fact["relation"]])
            assert (fact["full_match"] is not None) == (len(of_relation) > 1), fact
            if fact["full_match"] is None:
                continue
            asked += 1
            correct += fact["full_match"]
            assert fact["full_match"] == (fact["typed_rank"] == 1 and fact["margin"] > 0), fact
            if language == languages[0] and number < 20:
                first = predict(tmp_path / DECODER, fact["template"], fact["subject"], of_relation)
                assert fact["full_match"] == (first == fact["object"]), fact
    assert 0 < correct < asked
    types = store.read("fact_types", DECODER)
    assert pc.sum(pc.not_equal(types["type"], "not_predicted")).as_py() == correct
    folder = store.shown_folder("categorization_report", DECODER)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["predicted"] == correct
    comparison = store.read("checkpoint_comparison")
    assert set(comparison["checkpoint"].to_pylist()) >= {DECODER, KEY}
    all_languages = comparison.filter(
        pc.and_(pc.equal(comparison["checkpoint"], DECODER), pc.equal(comparison["language"], "*"))
    )
    shares = pa.array(all_languages["full_match"]).unique().to_pylist()
    assert shares == [pytest.approx(correct / asked)]
