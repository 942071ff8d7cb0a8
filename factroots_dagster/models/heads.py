"""The vocabulary projection of a model, applied to chosen hidden states only.

For mBERT, projecting one token onto 119,547 vocabulary entries costs as much as its twelve layers, so only
the positions whose logits are needed are projected.

Adding a model family: if its language-modelling head is not one of those in `_transform`, add a branch there
that names the modules before the projection (or in `_declared_head`, if the projection is not the output
embedding). Nothing breaks without it: the head is compared with the model's own logits when a checkpoint is
loaded, and where it is unknown or differs the whole model is run, which is slower. The only other place to
look at is `feed_forward`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Head = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class VocabularyHead:
    """hidden [m, hidden] -> logits [m, vocabulary], in two steps so that the second can be done in blocks.

    transform: hidden [m, hidden] -> [m, inner]. weight: [vocabulary, inner]; bias: [vocabulary] or None.
    """

    transform: Head
    weight: torch.Tensor
    bias: torch.Tensor | None

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.project(self.transform(hidden), slice(None))

    def project(self, inner: torch.Tensor, ids: slice | torch.Tensor) -> torch.Tensor:
        """Logits [m, ids] of some entries of the vocabulary. inner: [m, inner], from `transform`."""
        return functional.linear(inner, self.weight[ids], None if self.bias is None else self.bias[ids])


def find_vocabulary_head(model: Any) -> VocabularyHead | None:
    """The projection on top of `base_model` of a transformers model.

    None where the family's head is not known, or where it does not reproduce the model's own logits on a
    short input (a head that also scales or caps them): the caller then runs the whole model.
    """
    if model.base_model is model:
        return None
    ids = torch.arange(4, device=model.device).remainder(model.config.get_text_config().vocab_size)[None]
    with torch.inference_mode():
        expected = model(input_ids=ids).logits[0]
        try:
            head = _declared_head(model)
            logits = head(model.base_model(input_ids=ids).last_hidden_state[0])
        except (AttributeError, TypeError, RuntimeError):
            return None
    same = logits.shape == expected.shape and torch.allclose(logits, expected, rtol=1e-4, atol=1e-4)
    return head if same else None


def _declared_head(model: Any) -> VocabularyHead:
    """A family's head; raises AttributeError where none is declared."""
    if hasattr(model, "lm_predictions"):  # DeBERTa-v3, which projects with its input embeddings
        head = model.lm_predictions.lm_head
        return VocabularyHead(
            lambda hidden: head.LayerNorm(head.transform_act_fn(head.dense(hidden))),
            model.get_input_embeddings().weight,
            head.bias,
        )
    output = model.get_output_embeddings()
    return VocabularyHead(_transform(model), output.weight, getattr(output, "bias", None))


def _transform(model: Any) -> Head:
    """What precedes the projection; raises AttributeError where none is declared."""
    if hasattr(model, "cls"):  # BERT, mBERT, older DeBERTa
        transform: Head = model.cls.predictions.transform
        return transform
    if hasattr(model, "vocab_projector"):  # DistilBERT
        return lambda hidden: model.vocab_layer_norm(model.activation(model.vocab_transform(hidden)))
    if hasattr(model, "decoder") and hasattr(model, "head"):  # ModernBERT, mmBERT
        transform = model.head
        return transform
    if hasattr(model, "predictions"):  # ALBERT
        head = model.predictions
        return lambda hidden: head.LayerNorm(head.activation(head.dense(hidden)))
    if isinstance(model.lm_head, torch.nn.Linear):  # the decoders
        return lambda hidden: hidden
    head = model.lm_head  # RoBERTa, XLM-R, CamemBERT
    return lambda hidden: head.layer_norm(functional.gelu(head.dense(hidden)))
