"""A look at a checkpoint before it is registered: whether it exists, is complete, and can be asked.

No weight is read or downloaded: of a model on the hub its configuration and the list of its files serve.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.models import hub
from factroots_dagster.models.completeness import find_defect
from factroots_dagster.models.configuration import build_skeleton, model_family, read_config
from factroots_dagster.models.feed_forward import find_feed_forward
from factroots_dagster.models.files import ResolvedCheckpoint, check_folder
from factroots_dagster.models.language_model import find_language_model
from factroots_dagster.models.steps import order_by_step, read_step
from factroots_dagster.models.tokenizer import load_tokenizer


def inspect_checkpoint(source: str, revision: str | None = None) -> tuple[tuple[str, str], ...]:
    """Look at a folder or a model on the hub; returns names and SHA-256 of the hub's weight files, if told.

    Raises InputError for what `checkpoint.load` would refuse as far as files and configuration tell, and
    UnavailableError where the hub does not answer.
    """
    folder = Path(source)
    if folder.is_absolute():
        check_folder(source, folder)
        if defect := find_defect(folder):
            raise InputError(f"checkpoint {source}: {defect}", "complete or restore its files")
        checkpoint = ResolvedCheckpoint(source, "", folder, from_hub=False)
        _check_model(checkpoint)
        load_tokenizer(checkpoint)
        return ()
    model = hub.find_model(source, revision)
    _check_model(
        ResolvedCheckpoint(source, model.commit, hub.download_config(source, model.commit), from_hub=True)
    )
    return model.weights


def _check_model(checkpoint: ResolvedCheckpoint) -> None:
    config = read_config(checkpoint)
    skeleton = build_skeleton(checkpoint, config)
    causal = model_family(checkpoint, config) == "causal"
    find_feed_forward(find_language_model(skeleton) if causal else skeleton)


def select_revisions(source: str, pattern: str, every: int = 1) -> list[str]:
    """The branches and tags of a model on the hub that match `pattern`, those of one run by their steps.

    every: of these only the first of so many in turn, and the last. Raises InputError where none matches.
    """
    names = hub.find_revisions(source)
    matching = [name for name in dict.fromkeys(names) if fnmatchcase(name, pattern)]
    if not matching:
        problem = f"{source} has no branch or tag like {pattern!r} (it has {', '.join(names[:10]) or 'none'})"
        raise InputError(problem, "name others with --revisions")
    ordered = order_by_step(matching, lambda name: read_step(source, name))
    chosen = ordered[::every]
    return chosen if chosen[-1] == ordered[-1] else [*chosen, ordered[-1]]
