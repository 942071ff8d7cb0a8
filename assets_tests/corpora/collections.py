"""Small files in exactly the shapes of published corpora, for the tests of several folders."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard


class Text(NamedTuple):
    """A document to be written: its identifier, address and text."""

    id: str
    url: str
    text: str


class ShapedCorpus(NamedTuple):
    """How a published corpus is laid out.

    location: in the syntax of FACTROOTS_CORPORA, within its folder. file: of Armenian. row: the columns of
    one document, from its number and the document. has_id, has_url: whether it keeps these.
    """

    location: str
    file: str
    row: Callable[[int, Text], Mapping[str, Any]]
    has_id: bool
    has_url: bool


def _fineweb2(number: int, text: Text) -> Mapping[str, Any]:
    return {
        "text": text.text,
        "id": text.id,
        "dump": "CC-MAIN-2024-18",
        "url": text.url,
        "date": "2024-04-12T00:00:00Z",
        "file_path": "s3://commoncrawl/crawl-data/0.warc.gz",
        "language": "hye",
        "language_score": 0.98,
        "language_script": "Armn",
        "minhash_cluster_size": number + 1,
        "top_langs": '{"hye_Armn_score": 0.98}',
    }


def _hplt(number: int, text: Text) -> Mapping[str, Any]:
    return {
        **{"f": "./path/to/0.warc.gz", "o": 578687, "s": 2500, "rs": 102623, "u": text.url, "c": "text/html"},
        **{"ts": "2022-08-05T01:23:45Z", "collection": "cc40", "lang": ["hye_Armn", "azj_Latn"]},
        **{"prob": [0.95, 0.02], "text": text.text, "seg_langs": ["hye_Armn"], "robotstxt": "allowed"},
        **{"id": text.id, "filter": "keep", "pii": [[0, 4]], "doc_scores": [8.1, 9.9]},
    }


def _dolma(number: int, text: Text) -> Mapping[str, Any]:
    times = {"added": "2023-04-11T09:57:03.044571+00:00", "created": "2020-01-17T12:48:45.000Z"}
    metadata = {"url": text.url, "length": len(text.text)}
    return {"id": text.id, "text": text.text, "source": "common-crawl", **times, "metadata": metadata}


SHAPED: Mapping[str, ShapedCorpus] = {
    "fineweb2": ShapedCorpus(
        "data/{language_script}/train/*.parquet",
        "data/hye_Armn/train/000_00000.parquet",
        _fineweb2,
        has_id=True,
        has_url=True,
    ),
    "hplt": ShapedCorpus("{language_script}", "hye_Armn/1.jsonl.zst", _hplt, has_id=True, has_url=True),
    "dolma": ShapedCorpus(
        "documents/**/*.json.gz", "documents/cc/hy-0000.json.gz", _dolma, has_id=True, has_url=True
    ),
    "culturax": ShapedCorpus(
        "{language}/*.parquet",
        "hy/hy_part_00000.parquet",
        lambda number, text: {
            **{"text": text.text, "timestamp": "2019/01/20 11:22:33", "url": text.url, "source": "mC4"}
        },
        has_id=False,
        has_url=True,
    ),
    "madlad": ShapedCorpus(
        "data/{language}/*_clean_*.jsonl.gz",
        "data/hy/hy_clean_0000.jsonl.gz",
        lambda number, text: {"text": text.text.replace("\n", "\\n")},
        has_id=False,
        has_url=False,
    ),
}


def write_shaped(folder: Path, shape: str, texts: Sequence[Text]) -> Path:
    """The Armenian file of a corpus of a shape."""
    corpus = SHAPED[shape]
    rows = [dict(corpus.row(number, text)) for number, text in enumerate(texts)]
    return write_rows(folder / corpus.file, rows)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as Parquet or JSON lines, as the file's name says."""
    if path.suffix == ".parquet":
        path.parent.mkdir(parents=True, exist_ok=True)
        # Several row groups, so that rows are numbered across them.
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path, row_group_size=2)
        return path
    return write_lines(path, [json.dumps(row, ensure_ascii=False).encode() for row in rows])


def write_lines(path: Path, lines: Sequence[bytes]) -> Path:
    """Lines, compressed as the file's name says in two members, as files that were joined are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compress: Callable[[bytes], bytes] = {
        ".gz": gzip.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }.get(path.suffix, bytes)
    half = len(lines) // 2
    members = [b"".join(line + b"\n" for line in part) for part in (lines[:half], lines[half:])]
    path.write_bytes(b"".join(compress(member) for member in members if member))
    return path
