"""A checkpoint's configuration: its family, the corpus it was trained on, and the model without its weights.

Reads `config.json` only; nothing here reads a weight or a tokenizer.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import transformers

from factroots_dagster.errors import InputError
from factroots_dagster.models.files import ResolvedCheckpoint

Family = Literal["masked", "causal", "encoder-decoder"]
"""Masked language models (encoders), causal ones (decoders), and encoders whose text a decoder completes."""

_AUTO_CLASSES: dict[Family, Any] = {
    "masked": transformers.AutoModelForMaskedLM,
    "causal": transformers.AutoModelForCausalLM,
    "encoder-decoder": transformers.AutoModelForSeq2SeqLM,
}
MAX_LAYERS = 1000
_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "n_ctx",
    "context_length",
    "seq_length",
)
_HIDDEN = ("hidden_size", "dim", "n_embd", "d_model")
_NO_LIMIT = 10**9  # transformers writes 10^30 for a tokenizer without a limit
_UNBOUNDED = 2_048
"""Longest input of a model that names no limit (relative positions, as BLOOM's): far above any prompt."""
CORPORA = ("wikipedia", "commoncrawl", "unknown", "sandbox")
# Name parts of well-known checkpoints by training corpus. Only for a checkpoint trained on Wikipedia does
# absence from Wikipedia mean absence from its training data.
_TRAINED_ON_WIKIPEDIA = ("bert-base-multilingual", "distilbert-base-multilingual")
_TRAINED_ON_COMMONCRAWL = ("xlm-roberta", "xlm-v", "modernbert", "mmbert", "bloom", "llama", "qwen", "gemma")


def read_config(resolved: ResolvedCheckpoint) -> Any:
    """The transformers configuration of a checkpoint. Raises InputError where transformers rejects it."""
    silence_transformers()
    try:
        return transformers.AutoConfig.from_pretrained(
            resolved.path, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # every configuration class validates its fields in its own way
        raise InputError(
            f"checkpoint {resolved.source}: its config is not known to transformers "
            f"{transformers.__version__} ({error})",
            "use another checkpoint or a newer transformers",
        ) from error


def model_family(resolved: ResolvedCheckpoint, config: Any) -> Family:
    """What kind of language model the configured architecture is. Raises InputError for what is none.

    A model of text, images and sound counts as the language model inside it (`language_model`).
    """
    name = _architecture(config)
    if name.endswith(("ForMaskedLM", "ForPreTraining")):
        return "masked"
    if name.endswith("ForCausalLM"):
        return "causal"
    if getattr(config, "is_encoder_decoder", False):
        return "encoder-decoder"
    if name.endswith("LMHeadModel") or (name.endswith("ForConditionalGeneration") and _holds_text(config)):
        return "causal"
    problem = f"checkpoint {resolved.source}: architecture {name or '(none)'} is not a language model"
    kinds = "...ForMaskedLM, ...ForCausalLM or ...ForConditionalGeneration"
    raise InputError(problem, f"use a {kinds} checkpoint")


def _architecture(config: Any) -> str:
    return str((getattr(config, "architectures", None) or [""])[0])


def text_config(config: Any) -> Any:
    """The configuration of the part that reads and predicts text: mostly the configuration itself."""
    try:
        return config.get_text_config()
    except ValueError:  # an encoder and a decoder with configurations of their own
        return config.get_text_config(decoder=True)


def hidden_size(config: Any) -> int:
    """The width of the hidden states of the part that reads and predicts text; 0 where it is not stated."""
    named = (getattr(text_config(config), name, None) for name in _HIDDEN)
    return next((size for size in named if isinstance(size, int)), 0)


def _holds_text(config: Any) -> bool:
    """Whether a configuration is one of several models, of which one is a language model."""
    text = text_config(config)
    return text is not config and bool(getattr(text, "vocab_size", None))


def model_class(config: Any, family: Family) -> Any:
    """The transformers class that builds the models of a configuration with their language-modelling head."""
    auto = _AUTO_CLASSES[family]
    named = getattr(transformers, _architecture(config), None)
    if named is not None and (_holds_text(config) or type(config) not in auto._model_mapping):
        return named
    return auto


def build_skeleton(resolved: ResolvedCheckpoint, config: Any) -> Any:
    """The model that a configuration describes, on the meta device: shapes, but no weights.

    Raises InputError where the configuration is inconsistent or asks for an absurd number of layers.
    """
    family = model_family(resolved, config)
    layers = getattr(text_config(config), "num_hidden_layers", 0)
    if not isinstance(layers, int) or not 0 < layers <= MAX_LAYERS:
        raise InputError(
            f"checkpoint {resolved.source}: its config asks for {layers!r:.40} layers, "
            f"1 to {MAX_LAYERS} are accepted",
            "use another checkpoint",
        )
    builder = model_class(config, family)
    try:
        with torch.device("meta"):
            from_config = getattr(builder, "from_config", None) or builder._from_config
            model = from_config(config)
        model.tie_weights()
    except Exception as error:  # inconsistent numbers fail in many ways
        problem = f"checkpoint {resolved.source}: no model can be built from its config.json ({error})"
        raise InputError(problem, "download the checkpoint again, or use another one") from error
    if family == "encoder-decoder" and model.main_input_name != "input_ids":
        problem = f"{type(model).__name__} reads {model.main_input_name}, not text"
        raise InputError(f"checkpoint {resolved.source}: {problem}", "use a model that reads text")
    return model.eval()


def find_max_length(model: Any, tokenizer: Any) -> int:
    """The longest input in tokens: what the configuration and the tokenizer allow.

    RoBERTa and its relatives never use the first positions, up to their padding index. A tokenizer without a
    limit of its own says so with a number that is no length.
    """
    config = text_config(model.config)
    named = (getattr(config, name, None) for name in _POSITIONS)
    positions = next((value for value in named if isinstance(value, int) and value > 0), None)
    unused = 0
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            unused = module.padding_idx + 1
    limits = [] if positions is None else [positions - unused]
    if 0 < tokenizer.model_max_length < _NO_LIMIT:
        limits.append(int(tokenizer.model_max_length))
    return min(limits, default=_UNBOUNDED)


def training_corpus(resolved: ResolvedCheckpoint, config: Any) -> str:
    """One of CORPORA: `factroots_corpus` of the configuration, else inferred from the checkpoint's name."""
    declared = getattr(config, "factroots_corpus", None)
    if declared in CORPORA:
        return str(declared)
    name = (resolved.source if resolved.from_hub else resolved.path.name).lower()
    if any(known in name for known in _TRAINED_ON_WIKIPEDIA):
        return "wikipedia"
    return "commoncrawl" if any(known in name for known in _TRAINED_ON_COMMONCRAWL) else "unknown"


def silence_transformers() -> None:
    """Turns off transformers' warnings and progress bars."""
    logging: Any = transformers.utils.logging  # its functions are untyped
    logging.set_verbosity_error()
    logging.disable_progress_bar()
