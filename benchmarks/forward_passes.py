"""`factroots`, with a log of when it runs a model: `python benchmarks/forward_passes.py LOG ARGUMENTS...`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

SAMPLE_SECONDS = 0.5
OF_A_MODEL = ("torch/nn/modules/module.py", "factroots_dagster/models/heads.py")
"""Files of functions that call a module, and a head by itself."""
OURS = "/factroots_dagster/"


class Look(NamedTuple):
    """Whether the main thread was in a forward pass at a time, in seconds since 1970."""

    time: float
    in_model: bool


def is_in_model(frame: FrameType | None) -> bool:
    """Whether a frame is in a model's forward pass, and not in a hook of ours within it."""
    while frame is not None:
        if frame.f_code.co_filename.endswith(OF_A_MODEL):
            return True
        if OURS in frame.f_code.co_filename:
            return False
        frame = frame.f_back
    return False


def log_looks(thread: int, log: Path) -> None:
    """Append a `Look` at a thread of this process to a log, every SAMPLE_SECONDS, for good."""
    with log.open("a", encoding="utf-8") as out:
        while True:
            time.sleep(SAMPLE_SECONDS)
            in_model = is_in_model(sys._current_frames().get(thread))
            print(f"{time.time():.3f},{in_model:d}", file=out, flush=True)


def read_looks(log: Path) -> list[Look]:
    """What `log_looks` wrote."""
    lines = [line.split(",") for line in log.read_text(encoding="utf-8").splitlines()]
    return [Look(float(at), in_model == "1") for at, in_model in lines]


def model_seconds(looks: Sequence[Look], start: float, end: float) -> float:
    """How long between two times a model ran; 0.0 where nobody looked."""
    in_model = [look.in_model for look in looks if start <= look.time <= end]
    return (end - start) * sum(in_model) / len(in_model) if in_model else 0.0


def main(log: Path, arguments: Sequence[str]) -> None:
    """Run `factroots` with arguments in this thread."""
    from factroots_dagster.cli.main import main as factroots

    threading.Thread(target=log_looks, args=(threading.get_ident(), log), daemon=True).start()
    factroots(arguments, prog_name="factroots")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
