"""The vocabulary projection of a model, applied to chosen hidden states only.

For mBERT, projecting one token onto 119,547 vocabulary entries costs as much as its twelve layers, so only
the positions whose logits are needed are projected.

Adding a model family: if its language-modelling head is none of HEADS, write a function that names the
modules before the projection and add it there. Nothing breaks without it: every head is compared with the
model's own logits when a checkpoint is loaded, and where none gives them the whole model is run, which is
slower. The only other place to look at is `feed_forward`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn import functional

from factroots_dagster.models.configuration import text_config
from factroots_dagster.models.memory import is_out_of_memory

Head = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class VocabularyHead:
    """hidden [m, hidden] -> logits [m, vocabulary], in two steps so that the second can be done in blocks.

    transform: hidden [m, hidden] -> [m, inner]. weight: [vocabulary, inner]; bias: [vocabulary] or None.
    cap: logits are drawn into (-cap, cap) by a hyperbolic tangent; None: they are left as they are.
    """

    transform: Head
    weight: torch.Tensor
    bias: torch.Tensor | None
    cap: float | None = None

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.project(self.transform(hidden), slice(None))

    def project(self, inner: torch.Tensor, ids: slice | torch.Tensor) -> torch.Tensor:
        """Logits [m, ids] of some entries of the vocabulary. inner: [m, inner], from `transform`."""
        return self._capped(functional.linear(inner, self.weight[ids], self._bias(ids)))

    def project_each(self, inner: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Logits [m] of one entry of the vocabulary for each row of `inner`. ids: int64 [m]."""
        logits, bias = torch.linalg.vecdot(inner, self.weight[ids]), self._bias(ids)
        return self._capped(logits if bias is None else logits + bias)

    def _bias(self, ids: slice | torch.Tensor) -> torch.Tensor | None:
        return None if self.bias is None else self.bias[ids]

    def _capped(self, logits: torch.Tensor) -> torch.Tensor:
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)


def find_vocabulary_head(model: Any) -> VocabularyHead | None:
    """The projection on top of `base_model` of a transformers model.

    None where no head of HEADS reproduces the model's own logits on a short input: the caller then runs the
    whole model.
    """
    if model.base_model is model:
        return None
    ids = torch.arange(4, device=model.device).remainder(text_config(model.config).vocab_size)[None]
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    with torch.inference_mode():
        expected = model(**inputs).logits[0]
        for declare in HEADS:
            try:
                head = declare(model)
                logits = head(model.base_model(**inputs).last_hidden_state[0])
            except (AttributeError, TypeError, RuntimeError) as error:
                if is_out_of_memory(error):
                    raise
                continue
            if logits.shape == expected.shape and torch.allclose(logits, expected, rtol=1e-4, atol=1e-4):
                return head
    return None


def _deberta(model: Any) -> VocabularyHead:
    """DeBERTa-v3, which projects with its input embeddings."""
    head = model.lm_predictions.lm_head
    return VocabularyHead(
        lambda hidden: head.LayerNorm(head.transform_act_fn(head.dense(hidden))),
        model.get_input_embeddings().weight,
        head.bias,
    )


def _bert(model: Any) -> VocabularyHead:
    """BERT, mBERT, older DeBERTa."""
    return onto_output_embeddings(model, model.cls.predictions.transform)


def _distilbert(model: Any) -> VocabularyHead:
    transform, norm = model.vocab_transform, model.vocab_layer_norm
    return onto_output_embeddings(model, lambda hidden: norm(model.activation(transform(hidden))))


def _modernbert(model: Any) -> VocabularyHead:
    """ModernBERT, mmBERT."""
    return onto_output_embeddings(model, model.head)


def _albert(model: Any) -> VocabularyHead:
    head = model.predictions
    return onto_output_embeddings(model, lambda hidden: head.LayerNorm(head.activation(head.dense(hidden))))


def _roberta(model: Any) -> VocabularyHead:
    """RoBERTa, XLM-R, CamemBERT."""
    head = model.lm_head
    return onto_output_embeddings(model, lambda hidden: head.layer_norm(functional.gelu(head.dense(hidden))))


def _rembert(model: Any) -> VocabularyHead:
    head = model.cls.predictions
    return onto_output_embeddings(model, lambda hidden: head.LayerNorm(head.activation(head.dense(hidden))))


def _electra(model: Any) -> VocabularyHead:
    """ELECTRA's generator, ConvBERT."""
    return onto_output_embeddings(model, model.generator_predictions)


def _decoder(model: Any) -> VocabularyHead:
    """The decoders: nothing precedes the projection; some scale (Cohere, Granite) or cap (Gemma 2) logits."""
    config = text_config(model.config)
    scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
    head = onto_output_embeddings(model, lambda hidden: hidden * scale if scale != 1 else hidden)
    return replace(head, cap=getattr(config, "final_logit_softcapping", None))


def _scaled_decoder(model: Any) -> VocabularyHead:
    """T5 with tied embeddings, which divides by the root of the hidden size."""
    return onto_output_embeddings(model, lambda hidden: hidden * model.model_dim**-0.5)


HEADS: tuple[Callable[[Any], VocabularyHead], ...] = (
    _bert,
    _roberta,
    _distilbert,
    _modernbert,
    _deberta,
    _albert,
    _rembert,
    _electra,
    _decoder,
    _scaled_decoder,
)
"""The known heads: each declares the head of a model, and raises AttributeError for another family's."""


def onto_output_embeddings(model: Any, transform: Head) -> VocabularyHead:
    """A head that projects with the output embeddings; transform: hidden [m, hidden] -> [m, inner]."""
    output = model.get_output_embeddings()
    return VocabularyHead(transform, output.weight, getattr(output, "bias", None))
