"""What an asset body is given: readers and writers of partitions, settings, resources, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.orchestration.resources import ModelResource, SparkResource
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import PartitionWriter, Store
from factroots_dagster.store.versions import PartitionVersion

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from factroots_dagster.sandbox.records import World


@dataclass(frozen=True)
class Step:
    """One partition being made.

    store: a view, so that each partition is read in one version.
    writers: by asset, those that this step is to write; a body of one asset uses `writer`.
    progress: writes a line to the run's log.
    """

    settings: Settings
    store: Store
    writers: Mapping[str, PartitionWriter]
    progress: Callable[[str], None]
    spark: SparkResource | None = None
    models: ModelResource | None = None

    @property
    def writer(self) -> PartitionWriter:
        """The writer of the step's only asset."""
        (writer,) = self.writers.values()
        return writer

    @property
    def folder(self) -> Path:
        """The folder that becomes the partition of the step's only asset."""
        return self.writer.folder

    def session(self) -> SparkSession:
        """The Spark session."""
        assert self.spark is not None, "the asset's row does not name the resource 'spark'"
        return self.spark.session()

    def model_resource(self) -> ModelResource:
        """The loader of models and tokenizers."""
        assert self.models is not None, "the asset's row does not name the resource 'models'"
        return self.models

    def world(self) -> World:
        """The generated world of the settings."""
        return generated_world(self.settings)

    def input_folder(self, asset: str, *parts: str) -> Path:
        """Folder of a partition that is read, recorded as an input; raises InputError when it is missing."""
        return self.input_version(asset, *parts).checked_folder()

    def input_version(self, asset: str, *parts: str) -> PartitionVersion:
        """A partition that is read, recorded as an input: its table and side tables belong together."""
        version = self.store.version(asset, *parts)
        for writer in self.writers.values():
            writer.record_input(version)
        return version

    def read(
        self,
        asset: str,
        *parts: str,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """Main table of a partition, recorded as an input."""
        return self.input_version(asset, *parts).read(columns, where)

    def read_side(self, name: str, asset: str, *parts: str) -> pa.Table:
        """Side table of a partition, recorded as an input."""
        return self.input_version(asset, *parts).read_side(name)

    def find_side(self, name: str, asset: str, *parts: str) -> pa.Table | None:
        """As `read_side`; None where the partition has no such table."""
        version = self.input_version(asset, *parts)
        return version.read_side(name) if version.has_side(name) else None

    def languages_with(self, asset: str, *parts: str, among: Iterable[str] | None = None) -> list[str]:
        """The languages that have a partition of an asset; raises InputError when none has."""
        candidates = list(self.settings.active_languages if among is None else among)
        present = [language for language in candidates if self.store.exists(asset, *parts, language)]
        if not present:
            self.store.require(asset, *parts, candidates[0])
        return present


@cache
def generated_world(settings: Settings) -> World:
    """The generated world of the settings, made once a process; nothing changes it."""
    from factroots_dagster.sandbox.world import generate

    return generate(settings.sandbox_seed, settings.dials)
