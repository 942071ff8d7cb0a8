"""Describing and loading a checkpoint safely: safetensors weights only, and none of its own code.

Running prompts through the loaded model is `forward`'s task.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
import torch
from safetensors import SafetensorError, safe_open

from factroots_dagster.errors import InputError
from factroots_dagster.models.configuration import (
    Family,
    build_skeleton,
    find_max_length,
    hidden_size,
    model_class,
    model_family,
    read_config,
    training_corpus,
)
from factroots_dagster.models.devices import lease_device
from factroots_dagster.models.driving import Batches, drive, longest_in_trie
from factroots_dagster.models.feed_forward import FeedForward, find_feed_forward
from factroots_dagster.models.files import (
    ResolvedCheckpoint,
    digest_files,
    resolve_checkpoint,
    tokenizer_files,
    weight_files,
)
from factroots_dagster.models.framing import Blank, Frame, find_blank, frame_sentences
from factroots_dagster.models.heads import Head, find_vocabulary_head
from factroots_dagster.models.language_model import find_language_model
from factroots_dagster.models.memory import is_out_of_memory, memory_for
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.models.steps import read_step
from factroots_dagster.models.tokenizer import find_start, load_tokenizer

DTYPES = ("float32", "bfloat16", "float16")
SPLIT = "split"
"""A device that is none: the layers of a model are divided among all GPUs."""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready for inference, its tokenizer, and what probing needs to know about both."""

    model: Any
    tokenizer: Any
    device: torch.device
    family: Family
    architecture: str  # the class that was loaded; of `model` that of the language model in it
    head: Head | None  # None: logits come from the whole model only
    ffn: FeedForward
    max_length: int  # longest input in tokens, special tokens included
    space_id: int | None  # id of the bare SentencePiece space token
    in_sentence: bool  # whether objects have the tokens of the sentence, see `tokenizer.keeps_space_in_word`
    batches: Batches  # which prompts may share one
    continued: bool  # whether a decoder's sentences are continued from a cache, or read whole
    answers: tuple[int, ...]  # to a prompt of random tokens, see `driving.Driven`
    start: tuple[int, ...]  # the tokens that a decoder's sentences begin with
    blank: Blank | None  # what an encoder before the decoder reads in the object's place
    longest_in_trie: int = 0  # tokens of a decoder's sentences that can be run as tries
    split: bool = False  # whether its layers are divided among GPUs; `device` is then the first ones'

    @property
    def mask_id(self) -> int:
        return int(self.tokenizer.mask_token_id)

    def frame(self, language: str) -> Frame:
        """What stands around a decoder's sentences in a language, and what an encoder before it reads."""
        if self.blank is None:
            return Frame(self.tokenizer, self.start)
        return frame_sentences(self.tokenizer, self.model, self.blank, language)


def describe(
    checkpoint: str,
    resolved: ResolvedCheckpoint,
    corpus: str | None = None,
    corpora: Sequence[str] | None = None,
    *,
    device: str = "auto",
    dtype: str = "float32",
    start_token: str = "",
) -> pa.Table:
    """One row of CHECKPOINT. Reads every weight (sha256, finite), and tries out how the model can be asked.

    corpus: what the model was trained on; by default `factroots_corpus` of its config.json, else inferred
    from its name. corpora: the corpora in which the sources of its facts are looked for; None for all.
    device, dtype, start_token: see `load`. Raises InputError for a checkpoint that `load` would reject.
    """
    model = load(resolved, device, dtype, start_token)
    module, tokenizer = model.model, model.tokenizer
    named = read_step(resolved.source if resolved.from_hub else str(resolved.path), resolved.asked_revision)
    row = {
        "checkpoint": checkpoint,
        "source": resolved.source if resolved.from_hub else resolved.path.name,
        "revision": resolved.revision,
        "step": named and named.step,
        "tokens": named and named.tokens,
        "architecture": model.architecture,
        "family": model.family,
        "layers": model.ffn.layers,
        "hidden_size": hidden_size(module.config),
        "neurons": model.ffn.neurons,
        "experts": model.ffn.experts or None,
        "parameters": sum({id(p): p.numel() for p in module.parameters()}.values()),
        "vocabulary": len(tokenizer),
        "max_length": model.max_length,
        "objects": _whose_tokens(model),
        "batches": model.batches,
        "continued": None if model.family == "masked" else model.continued,
        "precision": str(module.dtype).removeprefix("torch."),
        "start": "".join(tokenizer.convert_ids_to_tokens(list(model.start))) or None,
        "fast_head": model.head is not None,
        "answers": list(model.answers),
        "tokenizer_sha256": digest_files(tokenizer_files(resolved.path)),
        "weights_sha256": digest_files(weight_files(resolved.path)),
        "corpus": corpus or training_corpus(resolved, module.config),
        "corpora": None if corpora is None else list(corpora),
    }
    return pa.Table.from_pylist([row], schema=CHECKPOINT)


def _whose_tokens(model: LoadedModel) -> str:
    whole_sentence = model.blank is None or model.blank.closing is None
    return "sentence" if model.in_sentence or (model.family != "masked" and whole_sentence) else "label"


_loaded: dict[tuple[str, ...], LoadedModel] = {}


def load(
    resolved: ResolvedCheckpoint | str, device: str = "auto", dtype: str = "float32", start_token: str = ""
) -> LoadedModel:
    """Loads a checkpoint for inference; the last one loaded is kept, so loading it again costs nothing.

    device: "auto" (cuda, else mps, else cpu), a torch device, or SPLIT. dtype: one of DTYPES, or "auto"
    (bfloat16 on a GPU that computes in it, else float32). start_token: what a decoder's sentences begin with;
    "": what its tokenizer puts first, see `tokenizer.find_start`.
    Raises InputError: no mask token (masked models), slow tokenizer, missing, unsafe or broken files, a model
    that does not give the same answers in all the ways in which it is asked (`driving`).
    """
    torch_device = pick_device("auto" if device == SPLIT else device)
    if dtype == "auto":
        dtype = pick_dtype(torch_device)
    if dtype not in DTYPES:
        raise InputError(f"dtype {dtype} is not supported", f"use one of {', '.join(DTYPES)}")
    if isinstance(resolved, str):
        resolved = resolve_checkpoint(resolved)
    split = device == SPLIT
    key = (str(resolved.path), resolved.revision, SPLIT if split else str(torch_device), dtype, start_token)
    if key not in _loaded:
        _loaded.clear()  # before the next one is built: two large models may not fit
        with memory_for(f"checkpoint {resolved.source}", "the GPUs" if split else torch_device):
            _loaded[key] = _load(resolved, None if split else torch_device, dtype, start_token)
    return _loaded[key]


def forget_model() -> None:
    """Give back the memory of the model that was loaded last."""
    _loaded.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def pick_device(device: str = "auto") -> torch.device:
    """ "auto": cuda, else mps, else cpu; of several, this process's (see `devices`).

    Raises InputError for a device that this machine does not have.
    """
    device = lease_device(device)
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        torch_device = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"device {device} is not a torch device", "use auto, cpu, cuda or mps") from error
    if (torch_device.type == "cuda" and not torch.cuda.is_available()) or (
        torch_device.type == "mps" and not torch.backends.mps.is_available()
    ):
        raise InputError(f"device {device} is not available on this machine", "use auto or cpu")
    if torch_device.type == "cuda" and (torch_device.index or 0) >= torch.cuda.device_count():
        problem = f"device {device} does not exist: this machine has {torch.cuda.device_count()} GPUs"
        raise InputError(problem, "count from cuda:0")
    return torch_device


def pick_dtype(device: torch.device) -> str:
    """The number format of models on a device: bfloat16 on GPUs that compute in it, else float32."""
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if fast else "float32"


def _load(
    resolved: ResolvedCheckpoint, device: torch.device | None, dtype: str, start_token: str
) -> LoadedModel:
    """device: None: transformers divides the layers among the GPUs."""
    if device is None and find_spec("accelerate") is None:
        raise InputError("dividing a model among GPUs needs the package accelerate", "pip install accelerate")
    config = read_config(resolved)
    family = model_family(resolved, config)
    skeleton = build_skeleton(resolved, config)
    tokenizer = load_tokenizer(resolved)
    _check_weights(resolved, skeleton)
    try:
        loaded, loading = model_class(config, family).from_pretrained(
            resolved.path,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            device_map="auto" if device is None else None,
        )
    except Exception as error:  # a config from elsewhere can fail in many ways
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"checkpoint {resolved.source}: cannot be loaded ({error})", "export the checkpoint again"
        ) from error
    if loading["missing_keys"]:
        missing = ", ".join(sorted(loading["missing_keys"])[:3])
        raise InputError(
            f"checkpoint {resolved.source}: {type(loaded).__name__} needs weights that it lacks ({missing})",
            "use a checkpoint that was saved with its language-modelling head",
        )
    loaded.eval().requires_grad_(False)
    model = find_language_model(loaded) if family == "causal" else loaded
    split = device is None
    if device is None:
        device = model.device  # which receives the tokens
    else:
        model = model.to(device)
    raw = tokenizer.tokenizer
    _check_vocabulary(resolved, model, raw)
    ffn = find_feed_forward(model)
    max_length = find_max_length(model, raw)
    start: tuple[int, ...] = ()
    blank = None
    if family == "causal":
        start = find_start(raw, start_token)
    elif family == "encoder-decoder":
        blank = find_blank(raw)
        start = frame_sentences(raw, model, blank).start
    vocabulary = _ordinary_tokens(model, raw)
    driven = drive(model, family, ffn, vocabulary, max_length, raw.pad_token_id or 0)
    return LoadedModel(
        model=model,
        tokenizer=raw,
        device=device,
        family=family,
        architecture=type(loaded).__name__,
        head=find_vocabulary_head(model),
        ffn=ffn,
        max_length=max_length,
        space_id=tokenizer.space_id,
        in_sentence=tokenizer.in_sentence,
        batches=driven.batches,
        continued=driven.continued,
        answers=driven.answers,
        start=start,
        blank=blank,
        longest_in_trie=longest_in_trie(model, vocabulary, max_length) if driven.continued else 0,
        split=split,
    )


def _check_vocabulary(resolved: ResolvedCheckpoint, model: Any, tokenizer: Any) -> None:
    """Rejects a tokenizer that produces ids for which the model has no embedding.

    Added tokens that no prompt contains are ignored: some text models have one for images.
    """
    embeddings = model.get_input_embeddings().weight.shape[0]
    ordinary = tokenizer.backend_tokenizer.get_vocab(with_added_tokens=False).values()
    special = (getattr(tokenizer, f"{name}_token_id") for name in ("mask", "cls", "sep", "bos"))
    largest = max([*ordinary, *(token for token in special if token is not None)], default=0)
    if largest >= embeddings:
        raise InputError(
            f"checkpoint {resolved.source}: its tokenizer gives ids up to {largest}, its model has "
            f"{embeddings} embeddings",
            "save the tokenizer that belongs to the model",
        )


def _check_weights(resolved: ResolvedCheckpoint, skeleton: Any) -> None:
    """Rejects weights that cannot be read, are not finite, or do not have the shape of the skeleton's."""
    expected = {name: list(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    for file in weight_files(resolved.path):
        try:
            with safe_open(file, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (not a dict)
                    tensor = tensors.get_tensor(name)
                    found, where = list(tensor.shape), f"checkpoint {resolved.source}: {name} in {file.name}"
                    if (wanted := expected.get(name, found)) != found:
                        problem = f"{where} has shape {found}, its config.json asks for {wanted}"
                        raise InputError(problem, "download the checkpoint again")
                    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                        problem = "holds NaN or infinities (training diverged, or the file is damaged)"
                        raise InputError(f"{where} {problem}", "use another checkpoint")
        except SafetensorError as error:
            problem = f"checkpoint {resolved.source}: {file.name} is damaged ({error})"
            raise InputError(problem, "download the checkpoint again") from error


def _ordinary_tokens(model: Any, tokenizer: Any) -> list[int]:
    """The ids, ascending, of tokens that are not special and that the model has an embedding of."""
    embeddings = model.get_input_embeddings().weight.shape[0]
    special = set(tokenizer.all_special_ids)
    return sorted(id_ for id_ in tokenizer.get_vocab().values() if id_ not in special and id_ < embeddings)
