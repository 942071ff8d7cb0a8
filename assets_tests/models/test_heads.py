"""The fast heads of families that scale or cap their logits, or transform the hidden states otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from assets_tests.models.tiny import draw_large_weights
from factroots_dagster.models.heads import VocabularyHead, find_vocabulary_head

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
DECODER = {**SHAPE, "vocab_size": 50, "num_key_value_heads": 1, "pad_token_id": 0}
DECODER |= {"bos_token_id": 2, "eos_token_id": 3}


def masked(config: Any) -> Any:
    return transformers.AutoModelForMaskedLM.from_config(config)


def causal(config: Any) -> Any:
    return transformers.AutoModelForCausalLM.from_config(config)


MODELS = {
    "gemma2": lambda: causal(transformers.Gemma2Config(**DECODER, head_dim=8, final_logit_softcapping=5.0)),
    "cohere": lambda: causal(transformers.CohereConfig(**DECODER, logit_scale=0.0625)),
    "cohere2": lambda: causal(transformers.Cohere2Config(**DECODER, logit_scale=0.25)),
    "granite": lambda: causal(transformers.GraniteConfig(**DECODER, logits_scaling=3.0)),
    "rembert": lambda: masked(
        transformers.RemBertConfig(**SHAPE, vocab_size=50, input_embedding_size=12, output_embedding_size=20)
    ),
    "electra": lambda: masked(transformers.ElectraConfig(**SHAPE, vocab_size=50, embedding_size=12)),
    "convbert": lambda: masked(transformers.ConvBertConfig(**SHAPE, vocab_size=50, embedding_size=16)),
}


@pytest.mark.parametrize("family", MODELS)
def test_the_head_gives_the_models_own_logits(family: str) -> None:
    torch.manual_seed(0)
    model = MODELS[family]().eval()
    draw_large_weights(model)
    head = find_vocabulary_head(model)
    assert isinstance(head, VocabularyHead)
    ids = torch.arange(5, 17)[None]
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0]
        hidden = model.base_model(input_ids=ids).last_hidden_state[0]
        torch.testing.assert_close(head(hidden), logits, rtol=1e-4, atol=1e-5)
        some = torch.tensor([7, 3, 49])
        torch.testing.assert_close(
            head.project(head.transform(hidden), some), logits[:, some], rtol=1e-4, atol=1e-5
        )
    assert (head.cap is not None) == (family == "gemma2") and logits.std() > 0.01
