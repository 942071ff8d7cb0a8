"""Gets an mLAMA release from wherever it lies and says whether it is the published one.

mLAMA (Kassner, Dufter and Schütze, EACL 2021) is licensed CC BY-NC-SA 4.0: its rows are fetched,
never shipped with this project.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.facts.mlama.archive import MAX_BYTES, unpack
from factroots_dagster.facts.mlama.split import TEMPLATES, parse_lines, read_templates, relation_files
from factroots_dagster.facts.schema import MLAMA_RELEASE
from factroots_dagster.store.download import download

MIRRORS = (
    # The authors' archive; the same path under plain http, which older code names, is dead.
    "https://cistern.cis.lmu.de/mlama/mlama1.1.zip",
    # The hub's copy of the same rows (data set cis-lmu/m_lama, configuration "all"), as the Parquet
    # export that the hub keeps of every data set under this revision.
    "https://huggingface.co/datasets/cis-lmu/m_lama/resolve/refs%2Fconvert%2Fparquet/all/test/0000.parquet",
)
LICENCE = (
    "CC BY-NC-SA 4.0 (Kassner, Dufter and Schütze, EACL 2021): not for commercial use, not redistributed here"
)
MAX_DOWNLOAD = 1 << 30


@dataclass(frozen=True)
class ReleaseIdentity:
    """What a release is, told from its rows alone.

    Attributes:
        name: "mLAMA 1.1" for the published release, else "other".
        published: whether counts and digest are those of the published release.
        digest: sha256 over the sorted rows, see `release_digest`.
        rows, languages, relations, facts: counts; relations with at least one row; facts = uuids.
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
) -> pa.Table:
    """Puts a release into `folder` as `<language>/templates.jsonl` and `<language>/<relation>.jsonl`.

    Args:
        source: http(s) address, folder, or archive (.zip, .tar.*, or the hub's Parquet file); None
            tries the mirrors in order and takes the first that delivers the published release.
        folder: existing, empty folder.
        progress: called with a line for people every few seconds.
        mirrors: addresses tried when `source` is None.

    Returns:
        MLAMA_RELEASE, sorted by language and relation. What the release is stands in the table's
        schema metadata, see `release_facts`; a release other than the published one is accepted
        when it was asked for by `source`, and says so there.

    Raises:
        InputError: the source cannot be had, is unsafe, or is no mLAMA release; the message names it.
    """
    say = progress or (lambda line: None)
    if source is not None:
        _bring(source, folder, say)
        return _described(folder, source)
    refused, unavailable = [], False
    for mirror in mirrors:
        try:
            _bring(mirror, folder, say)
            table = _described(folder, mirror)
            if release_facts(table)["published"]:
                return table
            refused.append(f"{mirror}: its rows are not those of mLAMA 1.1")
        except InputError as error:
            refused.append(str(error))
            unavailable |= isinstance(error, UnavailableError)
        _empty(folder)
    raise (UnavailableError if unavailable else InputError)(
        "no mirror delivered mLAMA 1.1: "
        + "; ".join(refused)
        + ". Give a copy of your own as FACTROOTS_MLAMA_SOURCE"
    )


def release_facts(table: pa.Table) -> dict[str, str | int | bool]:
    """What `acquire_release` found out about the release behind an inventory.

    Keys: name, published, digest, rows, languages, relations, facts, source, licence.
    """
    facts: dict[str, str | int | bool] = json.loads((table.schema.metadata or {})[b"mlama_release"])
    return facts


def identify(folder: Path) -> ReleaseIdentity:
    """Tells what the release in `folder` is: counts and digest against the published release's."""
    rows, relations, facts = 0, set[str](), set[str]()
    digest = hashlib.sha256()
    languages = _language_folders(folder)
    for language in languages:
        templates = read_templates(language)
        for path in relation_files(language):
            template = templates.get(path.stem, "")
            lines = sorted(_row_line(language.name, path.stem, template, row) for _, row in parse_lines(path))
            facts.update(line.split("\x1f", 3)[2] for line in lines)
            relations.update([path.stem] if lines else [])
            rows += len(lines)
            digest.update("".join(lines).encode("utf-8", "surrogatepass"))
    found = ReleaseIdentity(
        "mLAMA 1.1", True, digest.hexdigest(), rows, len(languages), len(relations), len(facts)
    )
    return (
        found
        if found == PUBLISHED
        else ReleaseIdentity(**{**asdict(found), "name": "other", "published": False})
    )


def release_digest(folder: Path) -> str:
    """sha256 over a release's rows: by language, relation (in file name order) and sorted row.

    A row is language, relation, uuid, subject uri, object uri, subject label, object label and
    template, joined by U+001F and ended by a newline, in UTF-8. Order of lines, further keys, JSON
    escapes and archive format do not change it; any changed, missing, doubled or added row does.
    """
    return identify(folder).digest


def inventory(folder: Path) -> pa.Table:
    """MLAMA_RELEASE of the release in `folder`: one row per template or file."""
    rows = []
    for language in _language_folders(folder):
        templates = read_templates(language)
        files = {path.stem: path for path in relation_files(language)}
        for relation in sorted(templates.keys() | files.keys()):
            row: dict[str, object] = {
                "language": language.name,
                "relation": relation,
                "rows": 0,
                "bytes": 0,
                "template": templates.get(relation),
            }
            if path := files.get(relation):
                content = path.read_bytes()
                row |= {
                    "file": f"{language.name}/{path.name}",
                    "rows": sum(1 for line in content.splitlines() if line.strip()),
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=MLAMA_RELEASE)


def _described(folder: Path, source: str) -> pa.Table:
    table = inventory(folder)
    facts = asdict(identify(folder)) | {"source": source, "licence": LICENCE}
    return table.replace_schema_metadata({"mlama_release": json.dumps(facts, ensure_ascii=False)})


def _bring(source: str, folder: Path, say: Callable[[str], None]) -> None:
    # Beside the target, not in the system's temporary folder: that one is often too small.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".mlama-") as staging:
        work = Path(staging)
        if "://" in source:
            say(f"downloading {source}")
            archive = download(source, work / "archive", max_bytes=MAX_DOWNLOAD, progress=say)
        else:
            archive = Path(source).expanduser()
        if archive.is_dir():
            _take(archive, folder, source, move=False)
        elif archive.is_file():
            say(f"unpacking {source}")
            unpacked = work / "unpacked"
            unpacked.mkdir()
            unpack(archive, unpacked, max_bytes=MAX_BYTES)
            _take(unpacked, folder, source, move=True)
        else:
            raise InputError(
                f"{source}: no such file or folder; set FACTROOTS_MLAMA_SOURCE to where mLAMA lies"
            )


def _take(root: Path, folder: Path, source: str, *, move: bool) -> None:
    """Brings the language folders found in `root`, or in its one visible sub-folder, into `folder`."""
    found = _language_folders(root)
    if not found:
        inner = [entry for entry in sorted(root.iterdir()) if entry.is_dir() and _visible(entry)]
        holding = [entry for entry in inner if _language_folders(entry)]
        if len(holding) > 1:
            raise InputError(
                f"{source}: several releases in it ({', '.join(h.name for h in holding)}); give one of them"
            )
        found = _language_folders(holding[0]) if holding else []
    if not found:
        raise InputError(f"{source}: no <language>/{TEMPLATES} in it; this is not an mLAMA release")
    for language in found:
        target = folder / language.name
        target.mkdir()
        for path in [language / TEMPLATES, *relation_files(language)]:
            if not path.is_file():
                raise InputError(
                    f"{source}: {language.name}/{path.name} is missing or not a file; get the release again"
                )
            if move:
                os.replace(path, target / path.name)
            else:
                shutil.copyfile(path, target / path.name)


def _language_folders(root: Path) -> list[Path]:
    """Visible folders of `root` that hold JSON-lines files, sorted by name."""
    return [
        entry
        for entry in sorted(root.iterdir())
        if entry.is_dir() and _visible(entry) and any(_visible(path) for path in entry.glob("*.jsonl"))
    ]


def _visible(path: Path) -> bool:
    return not path.name.startswith(".")


def _row_line(language: str, relation: str, template: str, row: dict[str, object]) -> str:
    values = (row.get(key) for key in ("uuid", "sub_uri", "obj_uri", "sub_label", "obj_label"))
    return "\x1f".join([language, relation, *map(str, values), template]) + "\n"


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
