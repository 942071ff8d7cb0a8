"""Random bits flipped in every kind of file: it is read or refused with an InputError, and nothing else."""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml
from assets_tests.hostile import checkpoints
from assets_tests.hostile.archives import ROW, make_tar, make_zip, parquet
from assets_tests.hostile.case import check_error
from assets_tests.hostile.releases import TEMPLATE
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.corpora.wikipedia.pages import ByteRange, PageReader
from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.models.checkpoint import describe, load
from factroots_dagster.models.files import resolve_checkpoint

FLIPS = 25


def flip_bits(content: bytes, chance: random.Random) -> bytes:
    """Flip one to eight bits and, in every fifth case, cut the content off."""
    body = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return bytes(body[: chance.randrange(len(body))] if chance.random() < 0.2 else body)


def read_release(content: bytes, folder: Path) -> bool:
    (folder / "mlama.bin").write_bytes(content)
    (folder / "release").mkdir()
    acquire_release(str(folder / "mlama.bin"), folder / "release")
    return False


def read_dump(content: bytes, folder: Path, compression: str) -> bool:
    """Whether a page is listed as damaged."""
    name = f"nlwiki-20240101-pages-articles.xml.{compression}".removesuffix(".none")
    (folder / name).write_bytes(content)
    acquire_dump("nl", str(folder), "latest", folder)
    found = list(PageReader(ByteRange(str(folder / name), compression, 0, len(content))).pages())
    assert all(page.damage or page.page_id is not None for page in found)
    return any(page.damage for page in found)


def read_checkpoint(content: bytes, folder: Path, name: str) -> bool:
    shutil.copytree(checkpoints.good(), folder / "model")
    (folder / "model" / name).write_bytes(content)
    describe("key", resolve_checkpoint(str(folder / "model")))
    load(str(folder / "model"), device="cpu")
    return False


MEMBERS = (("qaa/templates.jsonl", TEMPLATE), ("qaa/P19.jsonl", ROW))
XML = dump_xml([page_xml(number, f"T{number}", "tekst " * 50) for number in range(1, 60)]).encode()
KINDS: dict[str, tuple[Callable[[], bytes], Callable[[bytes, Path], bool]]] = {
    "zip": (lambda: make_zip(*MEMBERS), read_release),
    **{
        f"tar {mode}": (partial(make_tar, *MEMBERS, mode=f"w:{mode}"), read_release)
        for mode in ("", "gz", "bz2", "xz")
    },
    "parquet": (lambda: parquet(uuid=["a", "b"]), read_release),
    "dump": (lambda: XML, partial(read_dump, compression="none")),
    "dump gz": (lambda: gzip.compress(XML), partial(read_dump, compression="gz")),
    "dump zst": (
        lambda: bytes(pa.compress(XML, codec="zstd", asbytes=True)),
        partial(read_dump, compression="zst"),
    ),
    **{
        name: (
            partial(lambda name: (checkpoints.good() / name).read_bytes(), name),
            partial(read_checkpoint, name=name),
        )
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    },
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(300)
def test_flipped_bits_are_refused_or_read(kind: str, tmp_path: Path) -> None:
    content, read = KINDS[kind]
    chance, good, noticed = random.Random(0), content(), 0
    (tmp_path / "good").mkdir()
    assert not read(good, tmp_path / "good")
    for number in range(FLIPS):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            noticed += read(flip_bits(good, chance), folder)
        except InputError as error:
            check_error(error)
            noticed += 1
        shutil.rmtree(folder)
    assert noticed > 0
