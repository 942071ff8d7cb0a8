"""Fetching a release of mLAMA from a mirror, archive or folder, and identifying the published one.

mLAMA (Kassner, Dufter and Schütze, EACL 2021) is licensed CC BY-NC-SA 4.0: its rows are fetched, never
distributed with this project.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.facts.formats import recognize
from factroots_dagster.facts.mlama.archive import MAX_BYTES, unpack
from factroots_dagster.facts.mlama.folders import language_folders
from factroots_dagster.facts.mlama.split import list_relation_files, parse_lines, read_templates
from factroots_dagster.facts.schema import MLAMA_RELEASE
from factroots_dagster.store.download import download
from factroots_dagster.store.web import without_credentials

MIRRORS = (
    # The authors' archive; the http address in older code no longer works.
    "https://cistern.cis.lmu.de/mlama/mlama1.1.zip",
    # The Hugging Face hub's copy of the same rows (data set cis-lmu/m_lama, configuration "all"), as the
    # Parquet export that the hub keeps of every data set.
    "https://huggingface.co/datasets/cis-lmu/m_lama/resolve/refs%2Fconvert%2Fparquet/all/test/0000.parquet",
)
MAX_DOWNLOAD_BYTES = 1 << 30


@dataclass(frozen=True)
class ReleaseIdentity:
    """What identifies a release, whatever files and archives its rows come in.

    name: "mLAMA 1.1" for the published release, else "other". published: whether it is that release.

    digest: SHA-256, hexadecimal, over the rows by language, relation (in the order of file names) and sorted
    row. A row is language, relation, uuid, subject uri, object uri, subject label, object label and template,
    joined by U+001F, with a line end, in UTF-8. The order of lines, further keys, JSON escapes and the
    archive's format do not change it; a changed, missing, repeated or added row does.

    rows, languages, relations, facts: counts; relations that have rows, facts by uuid.
    """

    name: str
    published: bool
    digest: str
    rows: int
    languages: int
    relations: int
    facts: int


PUBLISHED = ReleaseIdentity(
    name="mLAMA 1.1",
    published=True,
    digest="dfcd0003854dddd6605766b77c465ff0392abc5fec925c96f121f531ea3405bf",
    rows=843_143,
    languages=53,
    relations=43,
    facts=37_535,
)


def acquire_release(
    source: str | None,
    folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
    mirrors: tuple[str, ...] = MIRRORS,
    published: ReleaseIdentity = PUBLISHED,
) -> pa.Table:
    """Write a release into `folder` as `<language>/templates.jsonl` and `<language>/<relation>.jsonl`.

    source: http(s) address, folder, or archive (.zip, .tar.*, or the hub's Parquet file); None tries the
    mirrors in order until one has the `published` release. folder: existing and empty. progress: receives a
    line every few seconds.

    Returns MLAMA_RELEASE with `read_provenance` in its metadata: another release than the published one is
    accepted from a `source`, and identified as such there.

    Raises InputError, naming the source, when it cannot be fetched, is unsafe, or is no mLAMA release.
    """
    report = progress or (lambda line: None)
    if source is not None:
        shown = without_credentials(source)
        return describe_release(folder, shown, _fetch(source, folder, report), published)
    failures, unavailable = [], False
    for mirror in mirrors:
        try:
            table = describe_release(folder, mirror, _fetch(mirror, folder, report), published)
            if read_provenance(table)["published"]:
                return table
            failures.append(f"{mirror}: its rows are not those of {published.name}")
        except InputError as error:
            failures.append(error.problem)
            unavailable |= isinstance(error, UnavailableError)
        _remove_content(folder)
    raise (UnavailableError if unavailable else InputError)(
        f"no mirror delivered {published.name}: {'; '.join(failures)}",
        "get a copy, and set FACTROOTS_MLAMA_SOURCE to its address, folder or archive",
    )


def read_provenance(table: pa.Table) -> dict[str, str | int | bool]:
    """What `acquire_release` wrote into the metadata of MLAMA_RELEASE about the release.

    Keys: those of ReleaseIdentity, source (where it was fetched from) and licence.
    """
    provenance: dict[str, str | int | bool] = json.loads((table.schema.metadata or {})[b"mlama_release"])
    return provenance


def identify_release(folder: Path, published: ReleaseIdentity = PUBLISHED) -> ReleaseIdentity:
    """The identity of the release in `folder`: `published`, if its digest and counts are the same."""
    rows, relations, facts = 0, set[str](), set[str]()
    digest = hashlib.sha256()
    languages = language_folders(folder)
    for language in languages:
        templates = read_templates(language)
        for path in list_relation_files(language):
            template = templates.get(path.stem, "")
            lines = sorted(_row_line(language.name, path.stem, template, row) for _, row in parse_lines(path))
            facts.update(line.split("\x1f", 3)[2] for line in lines)
            relations.update([path.stem] if lines else [])
            rows += len(lines)
            digest.update("".join(lines).encode("utf-8", "surrogatepass"))
    counts = (rows, len(languages), len(relations), len(facts))
    identity = ReleaseIdentity("other", False, digest.hexdigest(), *counts)
    is_published = replace(identity, name=published.name, published=True) == published
    return published if is_published else identity


def list_release(folder: Path) -> pa.Table:
    """MLAMA_RELEASE of the release in `folder`."""
    rows = []
    for language in language_folders(folder):
        templates = read_templates(language)
        files = {path.stem: path for path in list_relation_files(language)}
        for relation in sorted(templates.keys() | files.keys()):
            path = files.get(relation)
            content = path.read_bytes() if path else b""
            rows.append(
                {
                    "language": language.name,
                    "relation": relation,
                    "file": f"{language.name}/{path.name}" if path else None,
                    "rows": sum(1 for line in content.splitlines() if line.strip()),
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest() if path else None,
                    "template": templates.get(relation),
                }
            )
    return pa.Table.from_pylist(rows, schema=MLAMA_RELEASE)


def describe_release(
    folder: Path, source: str, licence: str, published: ReleaseIdentity = PUBLISHED
) -> pa.Table:
    """MLAMA_RELEASE of the release in `folder`, with its provenance (see `read_provenance`)."""
    provenance = asdict(identify_release(folder, published)) | {"source": source, "licence": licence}
    metadata = {"mlama_release": json.dumps(provenance, ensure_ascii=False)}
    return list_release(folder).replace_schema_metadata(metadata)


def _fetch(source: str, folder: Path, report: Callable[[str], None]) -> str:
    """Bring the language folders of a release into `folder`; returns the licence of its format."""
    shown = without_credentials(source)
    # The system's temporary folder is often too small, so files are staged beside the target.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".mlama-") as staging:
        work = Path(staging)
        if "://" in source:
            report(f"downloading {shown}")
            archive = download(source, work / "archive", max_bytes=MAX_DOWNLOAD_BYTES, progress=report)
        else:
            archive = Path(source).expanduser()
        if archive.is_dir():
            root, movable = archive, False
        elif archive.is_file():
            report(f"unpacking {shown}")
            unpacked = work / "unpacked"
            unpacked.mkdir()
            unpack(archive, unpacked, max_bytes=MAX_BYTES)
            root, movable = unpacked, True
        else:
            raise InputError(
                f"{shown}: no such file or folder", "set FACTROOTS_MLAMA_SOURCE to where mLAMA is"
            )
        fact_format = recognize(root, shown)
        try:
            fact_format.convert(root, folder, movable)
        except InputError as error:
            raise InputError(f"{shown}: {error.problem}", error.remedy) from error
        return fact_format.licence


def _row_line(language: str, relation: str, template: str, row: dict[str, object]) -> str:
    """A row as it enters a release's digest."""
    values = (row.get(key) for key in ("uuid", "sub_uri", "obj_uri", "sub_label", "obj_label"))
    return "\x1f".join([language, relation, *map(str, values), template]) + "\n"


def _remove_content(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
