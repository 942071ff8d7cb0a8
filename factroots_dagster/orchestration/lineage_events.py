"""What each partition was made from, as OpenLineage events in a file.

A partition that is made is a run of the job that has its asset's name, and completes. Data sets are assets:
the inputs are the asset's parents in the graph that had partitions. The partition and Dagster's run
are tags of the event's run.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

from factroots_dagster.orchestration.catalog import SCHEMAS
from factroots_dagster.orchestration.partitions import Parts, key_of
from factroots_dagster.store.store import Store
from factroots_dagster.tables import description_of

PRODUCER = "https://arxiv.org/abs/2403.05189"


def write_lineage_event(path: Path, store: Store, asset: str, parts: Parts, dagster_run: str) -> None:
    """Append the event of a partition that was made.

    path: a file of JSON lines; it and its folder need not exist. dagster_run: the id of the run that made it.
    """
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import dataset_version_dataset, schema_dataset, tags_run
    from openlineage.client.transport.file import FileConfig, FileTransport

    namespace, partition = f"factroots/{store.root.name}", key_of(parts)
    manifest = store.manifest(asset, *parts)
    tags = {"dagster_run": dagster_run} | ({} if partition is None else {"partition": partition})
    run = Run(
        runId=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{dagster_run}/{asset}/{partition}")),
        facets={"tags": tags_run.TagsRunFacet([tags_run.TagsRunFacetFields(*item) for item in tags.items()])},
    )
    version = dataset_version_dataset.DatasetVersionDatasetFacet(manifest["digest"])
    columns = [
        schema_dataset.SchemaDatasetFacetFields(field.name, str(field.type), description_of(field))
        for field in SCHEMAS[asset].get("", ())
    ]
    facets = {"version": version, "schema": schema_dataset.SchemaDatasetFacet(columns)}
    inputs = sorted({parent.partition("/")[0] for parent in manifest.get("upstream") or ()})
    event = RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=datetime.now(UTC).isoformat(),
        run=run,
        job=Job(namespace, asset),
        inputs=[InputDataset(namespace, name) for name in inputs],
        outputs=[OutputDataset(namespace, asset, facets=facets)],
        producer=PRODUCER,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    config = FileConfig(log_file_path=str(path), append=True)
    OpenLineageClient(transport=FileTransport(config)).emit(event)
