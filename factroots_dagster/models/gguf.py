"""GGUF files as checkpoints: dequantized once into a folder in Hugging Face layout.

transformers reads the file; what it holds beside weights (configuration, tokenizer) comes from there, too.
Needs the packages that transformers reads it with (extra `gguf`).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers

from factroots_dagster.errors import InputError
from factroots_dagster.models.configuration import silence_transformers
from factroots_dagster.models.memory import is_out_of_memory, memory_for
from factroots_dagster.store.atomic import atomic_folder
from factroots_dagster.store.digests import compute_sha256

READERS = ("gguf", "accelerate")
"""Packages without which transformers reads no GGUF file."""


def dequantize(file: Path, parent: Path) -> Path:
    """The folder with the model of a GGUF file in 32 bits: `<parent>/<digest of the file>/<its name>`.

    It is written unless it exists. Raises InputError where one of READERS is missing, and for a file that
    transformers cannot read.
    """
    if missing := [name for name in READERS if find_spec(name) is None]:
        problem = f"{file.name}: reading GGUF needs {' and '.join(missing)}"
        raise InputError(problem, "pip install 'factroots-dagster[gguf]'")
    folder = parent / compute_sha256(file)[:12] / file.stem
    if not folder.is_dir():
        with memory_for(f"{file.name} in 32 bits", "this machine"):
            model, tokenizer = _read(file)
        with atomic_folder(folder) as temporary:
            model.save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
    return folder


def _read(file: Path) -> tuple[Any, Any]:
    silence_transformers()
    try:
        quantized = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    except Exception as error:  # a damaged file fails in many ways
        if is_out_of_memory(error):
            raise
        problem = f"{file}: transformers {transformers.__version__} cannot read it as GGUF ({error})"
        raise InputError(problem, "download it again, or convert the model to safetensors") from error
    config = quantized.config
    del config.quantization_config  # transformers refuses to save a model that was loaded quantized
    model = type(quantized)(config)
    model.load_state_dict(quantized.state_dict())
    model.tie_weights()
    return model, tokenizer
