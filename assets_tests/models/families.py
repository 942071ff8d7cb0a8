"""Tiny models beyond the usual decoders: mixtures of experts, recurrent ones, wrappers, fillers of gaps.

Their neurons by formulas: `mlps`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from assets_tests.models import tiny

_SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 40}
_SHAPE |= {"num_key_value_heads": 1, "max_position_embeddings": 64}
_IDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
_HEADS = {"head_dim": 8}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 12}
_LINEAR = {f"linear_{part}": 4 for part in ("key_head_dim", "value_head_dim")}
_LINEAR |= {f"linear_num_{part}_heads": 2 for part in ("key", "value")}
_LINEAR |= {"layer_types": ["linear_attention", "full_attention"]}
_LATENT = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8}
_IMAGES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
_IMAGES |= {"image_size": 28, "patch_size": 14}
_QWEN_IMAGES = {"depth": 1, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "out_hidden_size": 16}

Build = Callable[[dict[str, int]], transformers.PreTrainedModel]
"""A model given the size of its vocabulary and the ids of special tokens."""


def _causal(config: str, **fields: Any) -> Build:
    def build(ids: dict[str, int]) -> transformers.PreTrainedModel:
        made = getattr(transformers, f"{config}Config")(**fields, **ids)
        return transformers.AutoModelForCausalLM.from_config(made)

    return build


def _wrapped(name: str, text: dict[str, Any], images: dict[str, Any], **fields: Any) -> Build:
    def build(ids: dict[str, int]) -> transformers.PreTrainedModel:
        config = getattr(transformers, f"{name}Config")
        made = config(text_config=text | ids, vision_config=images, **fields)
        return getattr(transformers, f"{name}ForConditionalGeneration")(made)

    return build


_LLAMA4 = _SHAPE | _HEADS | {"intermediate_size_mlp": 24, "num_local_experts": 4, "num_experts_per_tok": 1}
_SHARED = {"shared_expert_intermediate_size": 20, "num_experts": 4}
MIXTURES: dict[str, Build] = {
    "mixtral": _causal("Mixtral", **_SHAPE, num_local_experts=4, num_experts_per_tok=2),
    "qwen2_moe": _causal("Qwen2Moe", **_SHAPE, **_EXPERTS, **_SHARED, mlp_only_layers=[0]),
    "qwen3_moe": _causal("Qwen3Moe", **_SHAPE, **_HEADS, **_EXPERTS, num_experts=4),
    "olmoe": _causal("Olmoe", **_SHAPE, num_experts=4, num_experts_per_tok=2),
    "llama4_text": _causal("Llama4Text", **_LLAMA4, interleave_moe_layer_step=2),
    "gpt_oss": _causal("GptOss", **_SHAPE, **_HEADS, num_local_experts=4, num_experts_per_tok=2),
    "deepseek_v3": _causal(
        "DeepseekV3",
        **_SHAPE | _LATENT | _EXPERTS | {"num_key_value_heads": 2},
        n_routed_experts=4,
        n_group=2,
        topk_group=1,
        first_k_dense_replace=1,
    ),
}
RECURRENT: dict[str, Build] = {
    "mamba": _causal("Mamba", hidden_size=16, num_hidden_layers=2, state_size=4),
    "rwkv": _causal("Rwkv", hidden_size=16, num_hidden_layers=2, context_length=64),
    "falcon_h1": _causal(
        "FalconH1",
        **_SHAPE,
        mamba_chunk_size=8,
        mamba_d_ssm=32,
        mamba_n_heads=4,
        mamba_d_head=8,
        mamba_d_state=4,
    ),
    "lfm2": _causal("Lfm2", **_SHAPE, conv_L_cache=3, layer_types=["conv", "full_attention"]),
    "qwen3_next": _causal("Qwen3Next", **_SHAPE, **_HEADS, **_EXPERTS, **_SHARED, **_LINEAR),
    "nemotron_h": _causal(
        "NemotronH",
        layers_block_type=["mamba", "moe", "attention", "mlp"],
        hidden_size=16,
        intermediate_size=40,
        num_attention_heads=2,
        num_key_value_heads=1,
        mamba_num_heads=4,
        mamba_head_dim=8,
        ssm_state_size=4,
        chunk_size=8,
        n_groups=1,
        n_routed_experts=4,
        moe_shared_expert_intermediate_size=20,
        max_position_embeddings=64,
        **_HEADS,
        **_EXPERTS,
    ),
}
_ROPE = {"rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1]}}
WRAPPERS: dict[str, Build] = {
    "gemma3_with_images": _wrapped(
        "Gemma3",
        _SHAPE | _HEADS | {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]},
        _IMAGES,
        mm_tokens_per_image=4,
    ),
    "qwen3_5": _wrapped("Qwen3_5", _SHAPE | _HEADS | _LINEAR, _QWEN_IMAGES),
    "mistral3": _wrapped(
        "Mistral3", _SHAPE | _HEADS | {"model_type": "mistral"}, _IMAGES | {"model_type": "pixtral"}
    ),
    "llama4": _wrapped(
        "Llama4",
        _LLAMA4,
        _IMAGES | {f"{part}_dim": 16 for part in ("vision_output", "projector_input", "projector_output")},
    ),
    "qwen3_vl": _wrapped(
        "Qwen3VL", _SHAPE | _HEADS | _ROPE, _QWEN_IMAGES | {"deepstack_visual_indexes": [0]}
    ),
    "qwen3_vl_moe": _wrapped(
        "Qwen3VLMoe",
        _SHAPE | _HEADS | _ROPE | _EXPERTS | {"num_experts": 4},
        _QWEN_IMAGES | {"deepstack_visual_indexes": [0]},
    ),
}


def save(folder: Path, build: Build, tokenizer: Any = None) -> Path:
    """A checkpoint folder with random weights, by default with byte-level BPE."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer or tiny.byte_level(folder)
    torch.manual_seed(0)
    model = build({"vocab_size": len(tokenizer), **_IDS}).eval()
    tiny.draw_large_weights(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


T5 = {"d_model": 16, "d_kv": 8, "d_ff": 40, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 2}
T5 |= {"decoder_start_token_id": 0}
BART = {f"{part}_attention_heads": 2 for part in ("encoder", "decoder")}
BART |= {"d_model": 16, "encoder_layers": 2, "decoder_layers": 3}
BART |= {"encoder_ffn_dim": 24, "decoder_ffn_dim": 40}
_BART_IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "max_position_embeddings": 64}
FILLERS: dict[str, Callable[[int], transformers.PreTrainedModel]] = {
    "mt5": lambda vocabulary: transformers.MT5ForConditionalGeneration(
        transformers.MT5Config(**T5, vocab_size=vocabulary, tie_word_embeddings=False)
    ),
    "umt5": lambda vocabulary: transformers.UMT5ForConditionalGeneration(
        transformers.UMT5Config(**T5, vocab_size=vocabulary)
    ),
    "longt5": lambda vocabulary: transformers.LongT5ForConditionalGeneration(
        transformers.LongT5Config(**T5, vocab_size=vocabulary, local_radius=4)
    ),
    "bart": lambda vocabulary: transformers.BartForConditionalGeneration(
        transformers.BartConfig(**BART, vocab_size=vocabulary, **_BART_IDS)
    ),
    "mbart": lambda vocabulary: transformers.MBartForConditionalGeneration(
        transformers.MBartConfig(**BART, vocab_size=vocabulary, **_BART_IDS)
    ),
}
"""Encoder-decoders, by the size of their vocabulary."""


def save_filler(folder: Path, family: str) -> Path:
    """A checkpoint folder of an encoder-decoder with its kind of tokenizer and random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizers = {"bart": tiny.sentencepiece, "mbart": language_codes}
    tokenizer = tokenizers.get(family, sentinels)(folder)
    torch.manual_seed(0)
    model = FILLERS[family](len(tokenizer)).eval()
    tiny.draw_large_weights(model)
    model.save_pretrained(folder)
    return folder


def sentinels(folder: Path) -> transformers.PreTrainedTokenizerFast:
    """As mT5's: a Unigram model with a bare space token, </s> at the end, sentinels."""
    tokens = ["<pad>", "</s>", "<unk>", "▁", *(f"▁{word}" for word in tiny.WORDS)]
    tokens += [piece for piece in tiny.PIECES if len(piece) == 1]
    raw = Tokenizer(models.Unigram([(token, -1.0 - i / 100) for i, token in enumerate(tokens)], unk_id=2))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    raw.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        model_max_length=64,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        additional_special_tokens=[f"<extra_id_{number}>" for number in range(3)],
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def language_codes(folder: Path) -> transformers.MBartTokenizer:
    """mBART's own tokenizer, with few words: ... </s> <code of the language>."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *(f"▁{word}" for word in tiny.WORDS), "▁"]
    tokens += [piece for piece in tiny.PIECES if len(piece) == 1]
    vocabulary = [(token, -1.0 - i / 100) for i, token in enumerate(tokens)]
    tokenizer = transformers.MBartTokenizer(vocab=vocabulary, src_lang="en_XX", model_max_length=64)
    tokenizer.save_pretrained(folder)
    return tokenizer
