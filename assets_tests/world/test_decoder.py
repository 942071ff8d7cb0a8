"""A decoder through the whole graph, next to the masked models of the sandbox."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_tests.project import LAST_CHECKPOINT, MaterializedWorld, assets_by, make_home
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.models.registry import add
from factroots_dagster.orchestration.partitions import CELL, CHECKPOINT, checkpoint_set
from factroots_dagster.store.store import Store

DECODER = "small-gpt2"


def save_decoder(folder: Path, texts: list[str], objects: list[str]) -> str:
    """Save a GPT-2 of two random layers that always continues with the most frequent one-token object.

    Returns that object.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

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
    pieces = ((name, tokenizer(f" {name}")["input_ids"]) for name, _ in Counter(objects).most_common())
    favourite, ids = next((name, ids) for name, ids in pieces if len(ids) == 1)
    torch.set_num_threads(1)  # more are much slower when other processes share the cores
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
    with torch.no_grad():
        direction = model.transformer.wte.weight[ids[0]]
        model.transformer.ln_f.weight.mul_(0.01)
        model.transformer.ln_f.bias.copy_(20 * direction / direction.norm() ** 2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return favourite


@pytest.mark.slow
def test_a_decoder_is_probed_typed_and_reported(world: MaterializedWorld, tmp_path: Path) -> None:
    shutil.copytree(world.settings.data_root, tmp_path / "data")
    settings = world.settings.model_copy(update={"data_root": tmp_path / "data"})
    store = Store(settings.data_root, settings.world)
    languages = settings.active_languages
    splits = {language: store.read("mlama_split", language) for language in languages}
    texts = store.read("wikipedia_articles", languages[0], columns=["text"])["text"].drop_null().to_pylist()
    objects = [name for split in splits.values() for name in split["object"].to_pylist()]
    favourite = save_decoder(tmp_path / DECODER, texts, objects)
    add(settings, str(tmp_path / DECODER))

    with dg.DagsterInstance.from_config(str(make_home(tmp_path / "home"))) as instance:
        instance.add_dynamic_partitions(checkpoint_set(settings.world), [DECODER, LAST_CHECKPOINT])
        run = stage_runner(settings, instance, print).run  # raises if a run or a blocking check fails
        run("checkpoint", ["checkpoint"], DECODER)
        run("probing", assets_by(settings, *CELL), f"{DECODER}|{languages[0]}", f"{DECODER}|{languages[-1]}")
        run(
            "conclusions", [name for name in assets_by(settings, CHECKPOINT) if name != "checkpoint"], DECODER
        )
        run("comparison", ["checkpoint_comparison"])

    correct = prompted = 0
    for language, split in splits.items():
        predictions = store.read("predictions", DECODER, language)
        facts = split.join(predictions.select(["uuid", "full_match", "typed_rank"]), "uuid").to_pylist()
        for fact in facts:
            # a decoder can only complete a template that ends in its object
            ends = fact["template"].rstrip(" .").endswith("[Y]")
            assert (fact["full_match"] is not None) == ends, fact
            assert fact["typed_rank"] is not None
            if ends:
                prompted += 1
                correct += fact["full_match"]
                assert fact["full_match"] == (fact["object"] == favourite), fact
    assert 0 < correct < prompted
    types = store.read("fact_types", DECODER)
    assert pc.sum(pc.not_equal(types["type"], "not_predicted")).as_py() == correct
    unprompted = types.filter(pc.match_substring(types["reason"], "does not end in the object"))
    assert len(unprompted) == sum(map(len, splits.values())) - prompted
    folder = store.path("categorization_report", DECODER)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["predicted"] == correct
    comparison = store.read("checkpoint_comparison")
    assert set(comparison["checkpoint"].to_pylist()) >= {DECODER, LAST_CHECKPOINT}
    all_languages = comparison.filter(
        pc.and_(pc.equal(comparison["checkpoint"], DECODER), pc.equal(comparison["language"], "*"))
    )
    shares = pa.array(all_languages["full_match"]).unique().to_pylist()
    assert shares == [pytest.approx(correct / prompted)]
