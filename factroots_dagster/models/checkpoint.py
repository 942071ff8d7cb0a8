"""Describing and loading a checkpoint safely: safetensors weights, none of its own code.

Nothing here runs a prompt; see `engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
import transformers
from safetensors import SafetensorError, safe_open

from factroots_dagster.errors import InputError
from factroots_dagster.models.feed_forward import FeedForward, find_feed_forward
from factroots_dagster.models.files import (
    ResolvedCheckpoint,
    digest,
    resolve_checkpoint,
    tokenizer_files,
    weight_files,
)
from factroots_dagster.models.heads import Head, vocabulary_head
from factroots_dagster.models.schema import CHECKPOINT

__all__ = ["LoadedModel", "ResolvedCheckpoint", "describe", "load", "pick_device", "resolve_checkpoint"]

MOST_LAYERS = 1000
SPACE = "▁"  # SentencePiece's bare space token
# What well-known families were trained on: absence from Wikipedia means absence from training only for these.
_WIKIPEDIA = ("bert-base-multilingual", "distilbert-base-multilingual")
_COMMONCRAWL = ("xlm-roberta", "xlm-v", "modernbert", "mmbert", "bloom", "llama", "qwen", "gemma")


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run, its tokenizer, and what the prober must know of both."""

    model: Any
    tokenizer: Any
    device: torch.device
    family: str  # "masked" | "causal"
    head: Head | None  # None: only the whole model gives logits
    ffn: FeedForward
    max_length: int  # longest input, special tokens included
    space_id: int | None  # id of the bare SentencePiece space token

    @property
    def mask_id(self) -> int:
        return int(self.tokenizer.mask_token_id)


def describe(checkpoint: str, resolved: ResolvedCheckpoint, corpus: str | None = None) -> pa.Table:
    """One row of CHECKPOINT. Reads every weight (sha256, finite) without building the model.

    corpus: what it was trained on; by default `factroots_corpus` of its config.json, else by its name.
    """
    _quiet()
    config = _config(resolved)
    model = _skeleton(resolved, config)
    ffn = find_feed_forward(model)
    _refuse_broken_weights(resolved, model)
    tokenizer = _tokenizer(resolved, _family(resolved, config))
    _refuse_unknown_tokens(resolved, model, tokenizer)
    row = {
        "checkpoint": checkpoint,
        "source": resolved.source if resolved.from_hub else resolved.path.name,
        "revision": resolved.revision,
        "architecture": type(model).__name__,
        "family": _family(resolved, config),
        "layers": ffn.layers,
        "hidden_size": model.get_input_embeddings().weight.shape[1],
        "neurons": ffn.neurons,
        "parameters": sum({id(p): p.numel() for p in model.parameters()}.values()),
        "vocabulary": len(tokenizer),
        "max_length": _max_length(model, tokenizer),
        "tokenizer_sha256": digest(tokenizer_files(resolved.path)),
        "weights_sha256": digest(weight_files(resolved.path)),
        "corpus": corpus or _corpus(resolved, config),
    }
    return pa.Table.from_pylist([row], schema=CHECKPOINT)


_loaded: dict[tuple[str, str, str, str], LoadedModel] = {}


def load(
    resolved: ResolvedCheckpoint | str,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "float32",
) -> LoadedModel:
    """Loads a checkpoint for inference; the last one loaded is kept, so asking again costs nothing.

    device: "auto" (cuda, else mps, else cpu) or a torch device. dtype: "float32" | "bfloat16" | "float16".
    Raises InputError: no mask token (masked models), slow tokenizer, missing, unsafe or broken files.
    """
    place = pick_device(device)
    if dtype not in ("float32", "bfloat16", "float16"):
        raise InputError(f"dtype {dtype}: one of float32, bfloat16, float16 is needed")
    if isinstance(resolved, str):
        resolved = resolve_checkpoint(resolved, revision)
    key = (str(resolved.path), resolved.revision, str(place), dtype)
    if key not in _loaded:
        _loaded.clear()  # before the next one is built: two large models may not fit
        _loaded[key] = _load(resolved, place, dtype)
    return _loaded[key]


def pick_device(device: str = "auto") -> torch.device:
    """ "auto": cuda, else mps, else cpu. Raises InputError for a device that this machine does not have."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"device {device}: not a torch device; use auto, cpu, cuda or mps") from error
    if (place.type == "cuda" and not torch.cuda.is_available()) or (
        place.type == "mps" and not torch.backends.mps.is_available()
    ):
        raise InputError(f"device {device}: not available on this machine; use auto or cpu")
    return place


def _load(resolved: ResolvedCheckpoint, device: torch.device, dtype: str) -> LoadedModel:
    _quiet()
    config = _config(resolved)
    family = _family(resolved, config)
    tokenizer = _tokenizer(resolved, family)
    _refuse_broken_weights(resolved, _skeleton(resolved, config))
    try:
        model, loading = _auto_class(family).from_pretrained(
            resolved.path,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:  # what a foreign config asks for fails in many ways
        raise InputError(
            f"checkpoint {resolved.source}: cannot be loaded ({error}); export it again"
        ) from error
    if loading["missing_keys"]:
        raise InputError(
            f"checkpoint {resolved.source}: {type(model).__name__} needs weights that it lacks "
            f"({', '.join(sorted(loading['missing_keys'])[:3])}); use one saved with its language-modelling "
            "head"
        )
    _refuse_unknown_tokens(resolved, model, tokenizer)
    model.eval().requires_grad_(False).to(device)
    space = tokenizer.convert_tokens_to_ids(SPACE)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        device=device,
        family=family,
        head=vocabulary_head(model),
        ffn=find_feed_forward(model),
        max_length=_max_length(model, tokenizer),
        space_id=None if space is None or space == tokenizer.unk_token_id else space,
    )


def _skeleton(resolved: ResolvedCheckpoint, config: Any) -> Any:
    """The model without its weights, as its config describes it."""
    layers = getattr(config.get_text_config(), "num_hidden_layers", 0)
    if not isinstance(layers, int) or not 0 < layers <= MOST_LAYERS:
        raise InputError(
            f"checkpoint {resolved.source}: its config asks for {layers!r:.40} layers; "
            f"1 to {MOST_LAYERS} are accepted, use another checkpoint"
        )
    try:
        with torch.device("meta"):
            model = _auto_class(_family(resolved, config)).from_config(config)
        model.tie_weights()
    except InputError:
        raise
    except Exception as error:  # numbers that do not fit together fail in many ways
        raise InputError(
            f"checkpoint {resolved.source}: no model can be made of its config.json ({error}); "
            "download it again, or use another checkpoint"
        ) from error
    return model


def _refuse_unknown_tokens(resolved: ResolvedCheckpoint, model: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer that makes ids which the model has no embedding for.

    Added tokens that no prompt holds are passed over: some text models carry one for images.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    ordinary = tokenizer.backend_tokenizer.get_vocab(with_added_tokens=False).values()
    used = [tokenizer.mask_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id]
    largest = max([*ordinary, *(token for token in used if token is not None)], default=0)
    if largest >= rows:
        raise InputError(
            f"checkpoint {resolved.source}: its tokenizer gives ids up to {largest}, its model has {rows} "
            "embeddings; save the tokenizer that belongs to the model"
        )


def _refuse_broken_weights(resolved: ResolvedCheckpoint, skeleton: Any) -> None:
    """Refuse weights that cannot be read, are not finite, or have another shape than the config says."""
    expected = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    for file in weight_files(resolved.path):
        try:
            with safe_open(file, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (not a dict)
                    tensor = tensors.get_tensor(name)
                    if expected.get(name, tuple(tensor.shape)) != tuple(tensor.shape):
                        raise InputError(
                            f"checkpoint {resolved.source}: {name} in {file.name} has shape "
                            f"{list(tensor.shape)}, its config.json asks for {list(expected[name])}; "
                            "download it again"
                        )
                    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                        raise InputError(
                            f"checkpoint {resolved.source}: {name} in {file.name} holds NaN or infinities; "
                            "training diverged or the file is damaged: use another checkpoint"
                        )
        except SafetensorError as error:
            raise InputError(
                f"checkpoint {resolved.source}: {file.name} is damaged ({error}); download it again"
            ) from error


def _config(resolved: ResolvedCheckpoint) -> Any:
    try:
        return transformers.AutoConfig.from_pretrained(
            resolved.path, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # each kind of config checks its fields in a way of its own
        raise InputError(
            f"checkpoint {resolved.source}: its config is not known to transformers "
            f"{transformers.__version__} ({error}); use another checkpoint or a newer transformers"
        ) from error


def _family(resolved: ResolvedCheckpoint, config: Any) -> str:
    names = getattr(config, "architectures", None) or [""]
    name = str(names[0])
    if name.endswith(("ForMaskedLM", "ForPreTraining")):
        return "masked"
    if name.endswith(("ForCausalLM", "LMHeadModel")):
        return "causal"
    raise InputError(
        f"checkpoint {resolved.source}: architecture {name or '(none)'} is no language model; "
        "a ...ForMaskedLM or ...ForCausalLM checkpoint is needed"
    )


def _auto_class(family: str) -> Any:
    return transformers.AutoModelForMaskedLM if family == "masked" else transformers.AutoModelForCausalLM


def _tokenizer(resolved: ResolvedCheckpoint, family: str) -> Any:
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            resolved.path, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # converting an old vocabulary fails in many ways
        raise InputError(
            f"checkpoint {resolved.source}: its tokenizer cannot be read ({error}); save the tokenizer again"
        ) from error
    if not tokenizer.is_fast:
        raise InputError(
            f"checkpoint {resolved.source}: it has only a slow tokenizer; save a fast one (tokenizer.json)"
        )
    if family == "masked" and tokenizer.mask_token_id is None:
        raise InputError(
            f"checkpoint {resolved.source}: its tokenizer has no mask token, which probing needs; "
            "set mask_token in tokenizer_config.json"
        )
    return tokenizer


def _max_length(model: Any, tokenizer: Any) -> int:
    """Positions that the model has; RoBERTa's first ones, up to its padding index, are never used."""
    config = model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    unused = 0
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            unused = module.padding_idx + 1
    return int(min(tokenizer.model_max_length, (positions or tokenizer.model_max_length) - unused))


def _corpus(resolved: ResolvedCheckpoint, config: Any) -> str:
    declared = getattr(config, "factroots_corpus", None)
    if declared in ("wikipedia", "commoncrawl", "unknown", "sandbox"):
        return str(declared)
    name = (resolved.source if resolved.from_hub else resolved.path.name).lower()
    if any(known in name for known in _WIKIPEDIA):
        return "wikipedia"
    return "commoncrawl" if any(known in name for known in _COMMONCRAWL) else "unknown"


def _quiet() -> None:
    logging: Any = transformers.utils.logging  # its functions have no types
    logging.set_verbosity_error()
    logging.disable_progress_bar()
