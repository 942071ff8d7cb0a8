"""What asset bodies are given by Dagster: the store, a Spark session, and the models.

The session is started by the first asset that asks, and shared by the process. Models are found through the
registry, at the revision that was described.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.models.registry import CheckpointSource, lookup
from factroots_dagster.orchestration.interrupts import repeat_dropped_interrupts
from factroots_dagster.orchestration.partitions import PARTITION_TAGS, check_cell, checkpoint_set
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from factroots_dagster.models.checkpoint import LoadedModel
    from factroots_dagster.models.files import ResolvedCheckpoint
    from factroots_dagster.models.tokenizer import CheckpointTokenizer

DTYPES = {"auto": "auto", "fp32": "float32", "bf16": "bfloat16"}


class StoreResource(dg.ConfigurableResource[None]):
    """Reads and writes the partitions of one world.

    A run of a cell that is not there is refused when its resources are set up: Dagster looks up the versions
    of a step's inputs before the body runs, and fails in words that name no key.
    """

    data_root: str
    world: str
    languages: list[str]

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """See that interrupts end the run, and refuse one of an unknown cell, in words that name the keys.

        Raises InputError.
        """
        repeat_dropped_interrupts()
        if context.run is None or context.instance is None:
            return
        checkpoints = context.instance.get_dynamic_partitions(checkpoint_set(self.world))
        for tag in PARTITION_TAGS:
            check_cell(context.run.tags.get(tag, ""), checkpoints, self.languages)

    def store(self) -> Store:
        """The store."""
        return Store(self.data_root, self.world)


class SparkResource(dg.ConfigurableResource[None]):
    """Gives the process's Spark session on the configured master.

    master, memory: see `spark_session`.
    """

    master: str
    memory: str

    def session(self) -> SparkSession:
        """The session; a new one when its Java process was lost, so that a step that is retried finds one.

        Raises UnavailableError when the master cannot be reached.
        """
        from factroots_dagster.spark.session import forget_session, session_is_lost, spark_session

        if session_is_lost():
            forget_session()
        try:
            return spark_session(self.master, self.memory)
        except Exception as error:
            if self.master.startswith("local"):
                raise
            forget_session()
            raise UnavailableError(
                f"Spark master {self.master} cannot be reached ({str(error).splitlines()[0]})",
                "start it, or set FACTROOTS_SPARK_MASTER to another one, such as local[*]",
            ) from error

    def unavailable(self, error: BaseException) -> UnavailableError | None:
        """What to raise in place of an error that came because Spark's Java process was lost, else None."""
        from factroots_dagster.spark.session import session_is_lost

        if not session_is_lost():
            return None
        return UnavailableError(
            f"Spark's Java process was lost ({type(error).__name__})",
            "run again: what was finished is taken up; if memory was short, use fewer cores, or change "
            "FACTROOTS_SPARK_MEMORY",
        )


class ModelResource(dg.ConfigurableResource[None]):
    """Loads models and tokenizers of a world's registered checkpoints.

    world, data_root, checkpoints: where checkpoints are registered and described (see `Settings`).
    device, precision: where and in which number format models run. start_token: what a decoder's sentences
    begin with; empty: see `models.tokenizer.find_start`.
    """

    world: str
    data_root: str
    checkpoints: str | None
    device: str
    precision: str
    start_token: str = ""

    @classmethod
    def from_settings(cls, settings: Settings) -> ModelResource:
        """The resource for the settings' world."""
        return cls(
            world=settings.world,
            data_root=str(settings.data_root),
            checkpoints=None if settings.checkpoints is None else str(settings.checkpoints),
            device=settings.device,
            precision=settings.precision,
            start_token=settings.start_token,
        )

    def load(self, checkpoint: str) -> LoadedModel:
        """The model of a checkpoint's key, at exactly the revision that its `checkpoint` asset records.

        It runs in the number format in which it was described, so that partitions that several machines make
        of it belong together although `auto` means another format on each.
        Raises InputError when the key is not registered, not described yet, described in another format than
        the settings ask for, or its files have changed.
        """
        from factroots_dagster.models.checkpoint import load

        described, wanted = str(self._described(checkpoint, "precision")), DTYPES[self.precision]
        if wanted not in ("auto", described):
            raise InputError(
                f"checkpoint {checkpoint} was described in {described}, "
                f"and FACTROOTS_PRECISION={self.precision} asks for {wanted}",
                "materialize `checkpoint` again and what was made of it, or set FACTROOTS_PRECISION back",
            )
        return load(
            self._resolved(checkpoint), device=self.device, dtype=described, start_token=self.start_token
        )

    def tokenizer(self, checkpoint: str) -> CheckpointTokenizer:
        """The tokenizer of a checkpoint's key, at the described revision; no weights are loaded."""
        from factroots_dagster.models.tokenizer import load_tokenizer

        return load_tokenizer(self._resolved(checkpoint))

    def tokenizer_json(self, checkpoint: str) -> str:
        """The text of a checkpoint's `tokenizer.json`, at the described revision where there is one.

        Raises InputError when the key is not registered, its files have changed since it was described, or
        its tokenizer cannot be used.
        """
        source = self._source(checkpoint)
        described = self._store().exists("checkpoint", checkpoint)
        revision = str(self._described(checkpoint, "revision")) if described else source.revision
        return _tokenizer_json(source.source, revision)

    def _resolved(self, checkpoint: str) -> ResolvedCheckpoint:
        from factroots_dagster.models.files import resolve_checkpoint

        revision = str(self._described(checkpoint, "revision"))
        return resolve_checkpoint(self._source(checkpoint).source, revision)

    def _store(self) -> Store:
        return Store(self.data_root, self.world)

    def _source(self, checkpoint: str) -> CheckpointSource:
        folder = None if self.checkpoints is None else Path(self.checkpoints)
        settings = Settings.model_construct(
            world=self.world, data_root=Path(self.data_root), checkpoints=folder
        )
        return lookup(settings, checkpoint)

    def _described(self, checkpoint: str, column: str) -> Any:
        """A value of the `checkpoint` asset."""
        return self._store().read("checkpoint", checkpoint, columns=[column])[column][0].as_py()


@lru_cache(maxsize=1)
def _tokenizer_json(source: str, revision: str | None) -> str:
    """Read once a process, however many languages are asked."""
    from factroots_dagster.models.files import resolve_checkpoint
    from factroots_dagster.text.wordpieces.search import read_tokenizer

    return read_tokenizer(resolve_checkpoint(source, revision).path)
