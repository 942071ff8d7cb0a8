"""Registering the checkpoints of a training with Hugging Face's Trainer while it runs.

    from factroots_dagster.models.trainer import RegisterCheckpoints
    from factroots_dagster.settings import load_settings

    trainer = Trainer(..., processing_class=tokenizer, callbacks=[RegisterCheckpoints(load_settings())])

The checkpoint sensor then materializes each of them. Without `processing_class` the Trainer saves no
tokenizer, and its checkpoints cannot be asked.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from factroots_dagster.models import registry
from factroots_dagster.models.completeness import find_defect

logger = logging.getLogger(__name__)


class RegisterCheckpoints(TrainerCallback):
    """Registers every checkpoint that a Trainer saves; one that is incomplete is named in the log instead.

    settings: those of the data root and world (see `settings.load_settings`).
    """

    def __init__(self, settings: registry.CheckpointSettings) -> None:
        self._settings = settings

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Called by the Trainer after it has saved a checkpoint."""
        if not state.is_world_process_zero:
            return
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if defect := find_defect(folder):
            logger.warning("%s is not registered: %s", folder, defect)
        else:
            registry.add(self._settings, str(folder))
