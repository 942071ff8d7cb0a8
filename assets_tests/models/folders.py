"""Checkpoint folders that are complete and nothing more: no model can be built from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def checkpoint_folder(path: Path, value: float = 1.0) -> Path:
    """The smallest folder that counts as a complete checkpoint."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text('{"vocab_size": 4}')
    (path / "tokenizer.json").write_text("{}")
    save_file({"embeddings": np.full((4, 2), value, np.float32)}, path / "model.safetensors")
    return path
