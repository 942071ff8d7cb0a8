"""The vocabulary projection of a model, applied to chosen hidden states only.

For mBERT, projecting one token onto 119,547 words costs as much as its twelve layers, so only mask
positions are projected. What a family's head is called is declared here, one line each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Head = Callable[[torch.Tensor], torch.Tensor]


def vocabulary_head(model: Any) -> Head | None:
    """The function hidden [m, hidden] -> logits [m, vocabulary] behind `base_model` of a transformers model.

    None where the family's head is not known, or where it does not reproduce the model's own logits on a
    short input (a head that also scales or caps them): the caller then runs the whole model.
    """
    head = _declared_head(model)
    if head is None or model.base_model is model:
        return None
    ids = torch.arange(4, device=model.device).remainder(model.config.get_text_config().vocab_size)[None]
    with torch.inference_mode():
        try:
            ours = head(model.base_model(input_ids=ids).last_hidden_state[0])
        except (AttributeError, TypeError, RuntimeError):
            return None
        theirs = model(input_ids=ids).logits[0]
    same = ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    return head if same else None


def _declared_head(model: Any) -> Head | None:
    if hasattr(model, "cls"):  # BERT, mBERT, DeBERTa
        return model.cls
    if hasattr(model, "lm_head"):  # RoBERTa, XLM-R, CamemBERT and the decoders
        return model.lm_head
    if hasattr(model, "vocab_projector"):  # DistilBERT
        return lambda hidden: model.vocab_projector(
            model.vocab_layer_norm(model.activation(model.vocab_transform(hidden)))
        )
    if hasattr(model, "decoder") and hasattr(model, "head"):  # ModernBERT, mmBERT
        return lambda hidden: model.decoder(model.head(hidden))
    if hasattr(model, "predictions"):  # ALBERT
        return model.predictions
    return None
