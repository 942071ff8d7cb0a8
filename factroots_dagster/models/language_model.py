"""The language model inside a model of text, images and sound, asked as if it were alone.

transformers' class for the text alone is used where there is one (Gemma 3, Qwen 3.5, Mistral 3, Llama 4), so
that logits are scaled and capped as there; else a plain head on the part that reads text (Qwen-VL). Either is
compared with the whole model on a text, and refused where they disagree.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import nn
from transformers.modeling_outputs import CausalLMOutputWithPast

from factroots_dagster.errors import InputError
from factroots_dagster.models.configuration import text_config
from factroots_dagster.models.memory import is_out_of_memory
from factroots_dagster.models.rounding import rounding_tolerance

_TOKENS = 8


class TextDecoder(transformers.PreTrainedModel):  # type: ignore[no-untyped-call]
    """A decoder of which transformers has no class with a head of its own, and a head.

    decoder_class: set by a subclass for each decoder (`_with_head`).
    """

    base_model_prefix = "model"
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012 (of every class)
    decoder_class: Any

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model = self.decoder_class(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_output_embeddings(self) -> Any:
        return self.lm_head

    def set_output_embeddings(self, new_embeddings: Any) -> None:
        self.lm_head = new_embeddings

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool | None = None,
    ) -> CausalLMOutputWithPast:
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=use_cache,
        )
        logits = self.lm_head(output.last_hidden_state)
        return CausalLMOutputWithPast(logits=logits, past_key_values=output.past_key_values)


def find_language_model(model: Any) -> Any:
    """The part of a model that reads and predicts text, with its head: the model itself if it does only that.

    The parts are shared with `model`, not copied. On the meta device, too; there nothing is compared.
    Raises InputError where no such part is found, or it answers a text otherwise than the whole.
    """
    config = text_config(model.config)
    if config is model.config:
        return model
    inner: list[Any] = [
        part
        for part in model.modules()
        if isinstance(part, transformers.PreTrainedModel) and type(part.config) is type(config)
    ]
    if not inner:
        raise _refusal(model, "no part of it is a language model")
    with_head = (part for part in inner if part.get_output_embeddings() is not None)
    whole = next(with_head, None) or _with_head(model, inner[0], config)
    whole.eval()
    if model.device.type != "meta" and not _agree(model, whole):
        raise _refusal(model, f"it answers a text otherwise than the {type(whole).__name__} in it")
    return whole


def _with_head(model: Any, decoder: Any, config: Any) -> Any:
    """A decoder with the head of the model that it is a part of."""
    head = model.get_output_embeddings()
    if head is None:
        raise _refusal(model, "it has no language-modelling head")
    kind = type(decoder)
    # From its base class and module transformers takes how attention and experts can be run.
    members = {"decoder_class": kind, "__module__": kind.__module__}
    plain: Any = type(f"{kind.__name__}WithHead", (TextDecoder, kind.__bases__[0]), members)
    mapping = transformers.AutoModelForCausalLM._model_mapping
    known = [mapping[type(config)]] if type(config) in mapping else []
    for builder in (*known, plain):
        try:
            with torch.device("meta"):
                whole = builder(config)
        except Exception:  # a class for other configurations of this type
            continue
        if type(whole.base_model) is kind:
            setattr(whole, whole.base_model_prefix, decoder)
            whole.set_output_embeddings(head)
            return whole
    raise _refusal(model, f"the language model in it, {kind.__name__}, cannot be run alone")


def _agree(model: Any, whole: Any) -> bool:
    """Whether both give a short text the same logits, up to rounding."""
    ids = torch.arange(_TOKENS, device=model.device)[None]
    with torch.inference_mode():
        try:
            expected, logits = (part(input_ids=ids).logits.float() for part in (model, whole))
        except Exception as error:  # some read images only
            if is_out_of_memory(error):
                raise
            raise _refusal(model, f"it does not read a text alone ({error})") from error
    difference = (logits - expected).abs().max()
    return bool(difference <= rounding_tolerance(model.dtype) * expected.std())


def _refusal(model: Any, reason: str) -> InputError:
    return InputError(
        f"{type(model).__name__} cannot be asked as a language model: {reason}",
        "use a checkpoint of its language model alone",
    )
