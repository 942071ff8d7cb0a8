"""What the driving test finds out about a model, and that probing keeps to it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from assets_tests.models import families, tiny
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import describe, forget_model, load
from factroots_dagster.models.files import resolve_checkpoint
from factroots_dagster.models.inspection import inspect_checkpoint
from factroots_dagster.models.language_model import find_language_model
from factroots_dagster.models.tokenizer import find_start
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.probing.probe import probe
from factroots_dagster.report.asking import describe_asking

SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 40}
SEES_PADDING = ("fnet", "convbert", "yoso")


def save(folder: Path, config: transformers.PretrainedConfig, tokenizer: object) -> Path:
    torch.manual_seed(0)
    causal = config.model_type in transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    auto = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForMaskedLM
    model = auto.from_config(config).eval()
    tiny.draw_large_weights(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def masked_config(family: str, vocabulary: int) -> transformers.PretrainedConfig:
    common = {"vocab_size": vocabulary, "pad_token_id": 0, "max_position_embeddings": 64}
    if family == "fnet":
        sizes = {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 40}
        return transformers.FNetConfig(**sizes, **common, tpu_short_seq_length=64)
    if family == "convbert":
        return transformers.ConvBertConfig(**SHAPE, **common, embedding_size=16, head_ratio=1)
    if family == "yoso":
        return transformers.YosoConfig(**SHAPE, **common)
    landmarks = {"num_landmarks": 8, "segment_means_seq_len": 64}
    return transformers.NystromformerConfig(**SHAPE, **common, **landmarks)


def test_what_a_model_answers_is_part_of_its_description(tmp_path: Path) -> None:
    """So that libraries with which it answers otherwise are noticed."""
    tokenizer = tiny.wordpiece(tmp_path)
    folder = save(tmp_path, masked_config("fnet", len(tokenizer)), tokenizer)

    def described() -> list[int]:
        (row,) = describe("key", resolve_checkpoint(str(folder)), device="cpu").to_pylist()
        answers: list[int] = row["answers"]
        return answers

    first = described()
    forget_model()
    assert described() == first and len(set(first)) > 1
    weights = load_file(folder / "model.safetensors")
    changed = {
        name: tensor.flip(0) if "word_embeddings" in name else tensor for name, tensor in weights.items()
    }
    save_file(changed, folder / "model.safetensors", {"format": "pt"})
    assert described() != first


@pytest.mark.parametrize("family", SEES_PADDING)
def test_a_model_that_sees_padding_is_asked_at_equal_lengths(family: str, tmp_path: Path) -> None:
    tokenizer = tiny.wordpiece(tmp_path)
    folder = save(tmp_path, masked_config(family, len(tokenizer)), tokenizer)
    model = load(str(folder), device="cpu")
    assert model.batches == "equal lengths"
    split = tiny.split(folder)
    plain = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    (tmp_path / "apart").mkdir()
    got = probe(model, split, tmp_path / "apart").to_pylist()
    differing = 0
    (tmp_path / "together").mkdir()
    padded = probe(dataclasses.replace(model, batches="padded"), split, tmp_path / "together").to_pylist()
    for row, answer, mixed in zip(split.to_pylist(), got, padded, strict=True):
        k = len(answer["object_ids"])
        logits = tiny.mask_logits(plain, tokenizer, row["template"], row["subject"], k)
        expected = logits.log_softmax(dim=1)[range(k), answer["object_ids"]].mean()
        assert answer["object_logprob"] == pytest.approx(float(expected), abs=1e-4)
        assert answer["predicted_ids"][k - 1] == logits.argmax(dim=1).tolist()
        differing += abs(mixed["object_logprob"] - float(expected)) > 1e-3
    assert differing, "padded batches answer the same: the test shows nothing"
    (row,) = describe("key", resolve_checkpoint(str(folder)), device="cpu").to_pylist()
    assert row["batches"] == "equal lengths"
    assert "equal lengths only" in describe_asking(row)


def test_a_model_that_takes_some_lengths_only_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny.wordpiece(tmp_path)
    folder = save(tmp_path, masked_config("nystromformer", len(tokenizer)), tokenizer)
    with pytest.raises(InputError, match=r"Nystromformer.* cannot be run on prompts of 6"):
        describe("key", resolve_checkpoint(str(folder)), device="cpu")


def causal_model(family: str, vocabulary: int) -> transformers.PreTrainedModel:
    common = {"vocab_size": vocabulary, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    if family == "bert":
        return transformers.BertLMHeadModel(transformers.BertConfig(**SHAPE, **common))
    if family == "jetmoe":
        heads = {"num_key_value_heads": 2, "kv_channels": 8, "num_local_experts": 4}
        return transformers.JetMoeForCausalLM(transformers.JetMoeConfig(**SHAPE, **common, **heads))
    if family == "doge":
        experts = {"is_moe": True, "num_experts": 16, "num_experts_per_tok": 2}
        return transformers.DogeForCausalLM(transformers.DogeConfig(**SHAPE, **common, **experts))
    if family == "xlnet":
        sizes = {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 40}
        return transformers.XLNetLMHeadModel(transformers.XLNetConfig(**sizes, **common))
    images = {"num_hidden_layers": 1, "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2}
    return transformers.GitForCausalLM(transformers.GitConfig(**SHAPE, **common, vision_config=images))


REFUSED = {
    "bert": "BertLMHeadModel reads what follows a token when it predicts it",
    "jetmoe": "how JetMoeForCausalLM routes tokens to its experts is not known",
    "doge": "how layer model.layers.0 of DogeForCausalLM routes tokens to its experts is not known",
    "xlnet": "which tokens the feed-forward neurons of XLNetLMHeadModel belong to is not known",
    "git": "GitForCausalLM does not run its layers on a text",
}


@pytest.mark.parametrize("family", REFUSED)
def test_a_decoder_that_cannot_be_asked_is_refused_in_words_that_are_true_of_it(
    family: str, tmp_path: Path
) -> None:
    tokenizer = tiny.byte_level(tmp_path)
    torch.manual_seed(0)
    model = causal_model(family, len(tokenizer))
    tiny.draw_large_weights(model)
    model.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=REFUSED[family]):
        describe("key", resolve_checkpoint(str(tmp_path)), device="cpu")
    if family not in ("bert", "xlnet"):  # which shows only when they are run
        with pytest.raises(InputError, match=REFUSED[family]):
            inspect_checkpoint(str(tmp_path))


def test_a_decoder_without_a_cache_reads_every_sentence_whole(tmp_path: Path) -> None:
    folder = families.save(tmp_path, families.RECURRENT["mamba"])
    (row,) = describe("key", resolve_checkpoint(str(folder)), device="cpu").to_pylist()
    assert (row["family"], row["continued"], row["experts"]) == ("causal", False, None)
    assert "every sentence whole" in describe_asking(row)


def test_the_language_model_in_a_wrapper_is_described(tmp_path: Path) -> None:
    folder = families.save(tmp_path, families.WRAPPERS["qwen3_vl_moe"])
    inspect_checkpoint(str(folder))
    (row,) = describe("key", resolve_checkpoint(str(folder)), device="cpu").to_pylist()
    assert row["architecture"] == "Qwen3VLMoeForConditionalGeneration"
    assert (row["family"], row["continued"], row["experts"], row["neurons"]) == ("causal", True, 4, 48)
    model = load(str(folder), device="cpu")
    assert row["parameters"] < sum(each.numel() for each in tiny.load_plain(folder).parameters())
    twin = with_random_weights(model, seed=3)
    assert twin.ffn.layers == model.ffn.layers
    ids = torch.tensor([[5, 6, 7, 8]])
    assert not torch.allclose(twin.model(input_ids=ids).logits, model.model(input_ids=ids).logits)


def edit_json(path: Path, remove: str) -> None:
    content = json.loads(path.read_text())
    content.pop(remove)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(("family", "longest"), [("bloom", 2_048), ("llama", 64), ("xlm-roberta", 64)])
def test_a_tokenizer_without_a_limit_leaves_it_to_the_configuration(
    family: str, longest: int, tmp_path: Path
) -> None:
    folder = tiny.save_checkpoint(tmp_path / family, family)
    edit_json(folder / "tokenizer_config.json", "model_max_length")
    (row,) = describe("key", resolve_checkpoint(str(folder)), device="cpu").to_pylist()
    assert row["max_length"] == longest == load(str(folder), device="cpu").max_length


def test_mpt_names_its_limit_in_its_own_word(tmp_path: Path) -> None:
    tokenizer = tiny.byte_level(tmp_path)
    config = transformers.MptConfig(
        d_model=16, n_heads=2, n_layers=2, expansion_ratio=2, max_seq_len=96, vocab_size=len(tokenizer)
    )
    folder = save(tmp_path, config, tokenizer)
    edit_json(folder / "tokenizer_config.json", "model_max_length")
    assert load(str(folder), device="cpu").max_length == 96


@pytest.mark.parametrize(
    ("family", "sentence", "first"), [("gpt2", True, "<s>"), ("qwen", True, "</s>"), ("bert", False, None)]
)
def test_what_was_found_is_described(
    family: str, sentence: bool, first: str | None, checkpoint_of: Callable[[str], Path]
) -> None:
    resolved = resolve_checkpoint(str(checkpoint_of(family)))
    (row,) = describe("key", resolved, device="cpu").to_pylist()
    found = (row["objects"], row["batches"], row["start"], row["fast_head"])
    assert found == ("sentence" if sentence else "label", "padded", first, True)
    words = describe_asking(row)
    assert ("as in the sentence" in words) is sentence
    assert (f"after {first}" in words) is (first is not None)
    assert "by the whole model" in describe_asking({**row, "fast_head": False})


def test_a_sentence_begins_as_the_tokenizer_begins_it(tmp_path: Path) -> None:
    from tokenizers import processors

    tokenizer = tiny.byte_level(tmp_path)
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    assert find_start(tokenizer) == (bos,)  # it adds nothing: BOS
    assert find_start(tokenizer, "</s>") == (eos,)
    with pytest.raises(InputError, match="not in the checkpoint's vocabulary"):
        find_start(tokenizer, "<|nothing|>")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", special_tokens=[("</s>", eos)]
    )
    assert find_start(tokenizer) == (eos,)  # as XGLM's, whose BOS is another token
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> <s> $A </s>", special_tokens=[("</s>", eos), ("<s>", bos)]
    )
    assert find_start(tokenizer) == (eos, bos)


def test_the_start_token_can_be_chosen(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint_of("llama")
    split = tiny.decoder_split(folder).slice(0, 6)
    tables = {}
    for token in ("", "</s>"):
        (tmp_path / (token[2:-1] or "own")).mkdir()
        model = load(str(folder), device="cpu", start_token=token)
        tables[token] = probe(model, split, tmp_path / (token[2:-1] or "own"))
    assert not tables[""]["object_logprob"].equals(tables["</s>"]["object_logprob"])


def test_several_tokens_can_begin_a_sentence(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint_of("llama")
    split = tiny.decoder_split(folder)
    model = dataclasses.replace(load(str(folder), device="cpu"), start=(3, 2))
    tokenizer, plain = model.tokenizer, model.model
    for row, got in zip(split.to_pylist(), probe(model, split, tmp_path).to_pylist(), strict=True):
        text = row["template"].replace("[X]", row["subject"]).partition("[Y]")[0] + row["object"]
        ids = [3, 2, *tokenizer(text, add_special_tokens=False)["input_ids"]]
        count = len(got["object_ids"])
        assert ids[-count:] == got["object_ids"]
        with torch.inference_mode():
            logprobs = plain(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(dim=1)
        own = [float(logprobs[at - 1, ids[at]]) for at in range(len(ids) - count, len(ids))]
        assert got["object_logprob"] == pytest.approx(sum(own) / count, abs=1e-4)


def test_a_language_model_that_answers_otherwise_than_its_wrapper_is_refused(tmp_path: Path) -> None:
    model = tiny.load_plain(families.save(tmp_path, families.WRAPPERS["mistral3"]))
    assert type(find_language_model(model)).__name__ == "MistralForCausalLM"

    def halve(_module: object, _args: object, output: transformers.utils.ModelOutput) -> None:
        output.logits = output.logits * 0.5  # as a wrapper that scales logits by itself would

    model.register_forward_hook(halve)
    with pytest.raises(InputError, match="it answers a text otherwise than the MistralForCausalLM in it"):
        find_language_model(model)
