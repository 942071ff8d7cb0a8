"""Fetching releases from every kind of source, and identifying them."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assets_tests.facts.releases import fact, tar_of_member, tarred, write_release, zip_of_member, zipped
from assets_tests.facts.web_server import WebServer
from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.archive import unpack
from factroots_dagster.facts.mlama.release import (
    PUBLISHED,
    acquire_release,
    identify_release,
    read_provenance,
)
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.facts.schema import MLAMA_RELEASE
from factroots_dagster.store.download import download


@pytest.fixture
def server() -> Iterator[WebServer]:
    running = WebServer()
    yield running
    running.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "fetched" / "release"
    folder.mkdir(parents=True)
    return folder


def digest_of(release: Path) -> str:
    return identify_release(release).digest


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", ["folder", "parent", "zip", "flat-zip", "tar.xz", "tar.gz", "tar"])
def test_every_kind_of_source_gives_the_same_files(
    small_release: Path, target: Path, tmp_path: Path, kind: str
) -> None:
    source = tmp_path / "source"
    if kind == "folder":
        source = small_release
    elif kind == "parent":
        (source / "mlama1.1").parent.mkdir()
        shutil.copytree(small_release, source / "mlama1.1")
    elif kind.endswith("zip"):
        source.write_bytes(zipped(small_release, "" if kind.startswith("flat") else "mlama/"))
    else:
        source.write_bytes(tarred(small_release, {"tar.xz": "w:xz", "tar.gz": "w:gz", "tar": "w"}[kind]))
    table = acquire_release(str(source), target)
    assert files_of(target) == files_of(small_release)
    assert table.schema.equals(MLAMA_RELEASE)
    assert [(r["language"], r["relation"], r["rows"]) for r in table.to_pylist()] == [
        ("qaa", "P19", 2),
        ("qaa", "P36", 0),
        ("qab", "P19", 1),
    ]
    provenance = read_provenance(table)
    counts = [provenance[name] for name in ("rows", "languages", "relations", "facts")]
    assert counts == [3, 2, 1, 2] and provenance["name"] == "other" and not provenance["published"]
    assert list(target.parent.iterdir()) == [target]  # no staging folder left behind


def test_hidden_folders_are_ignored(small_release: Path, target: Path) -> None:
    stray = small_release / "qaa" / ".ipynb_checkpoints"
    stray.mkdir()
    shutil.copy(small_release / "qaa" / "P19.jsonl", stray / "P19-checkpoint.jsonl")
    (small_release / ".git").mkdir()
    (small_release / ".git" / "P1.jsonl").write_text("{}")
    assert read_provenance(acquire_release(str(small_release), target))["rows"] == 3
    assert not any("ipynb" in name for name in files_of(target))


def test_the_digest_depends_on_content_only(tmp_path: Path) -> None:
    rows = [fact("u1", lineid=0), fact("u2", "Bo", lineid=1)]
    base = digest_of(write_release(tmp_path / "a", {"qaa": {"P19": rows}}))
    turned = [dict(reversed(row.items())) | {"lineid": 9} for row in reversed(rows)]
    assert digest_of(write_release(tmp_path / "b", {"qaa": {"P19": turned}})) == base
    changes = [
        [rows[0]],
        [*rows, fact("u3")],
        [rows[0], rows[1] | {"obj_label": "oslo"}],
        [*rows, rows[1]],
    ]
    digests = {
        digest_of(write_release(tmp_path / f"c{i}", {"qaa": {"P19": changed}}))
        for i, changed in enumerate(changes)
    }
    assert len(digests) == 4 and base not in digests
    template = tmp_path / "a" / "qaa" / "templates.jsonl"
    template.write_text(template.read_text().replace("[X] P19", "[X] p19"))
    assert digest_of(tmp_path / "a") != base


def test_a_download_resumes_where_it_broke_off(server: WebServer, small_release: Path, target: Path) -> None:
    server.files["/m.zip"] = body = zipped(small_release)
    server.break_after = [100, 50]
    waited: list[float] = []
    path = download(f"{server.url}/m.zip", target.parent / "m.zip", max_bytes=10**6, wait=waited.append)
    assert path.read_bytes() == body
    assert [requested_range for _, requested_range in server.requests] == [None, "bytes=100-", "bytes=150-"]
    assert waited == [2.0, 4.0]
    assert sorted(p.name for p in target.parent.iterdir()) == ["m.zip", "release"]


def test_a_signature_in_the_address_is_neither_stored_nor_shown(
    server: WebServer, small_release: Path, target: Path
) -> None:
    server.files["/m.zip?X-Amz-Signature=secret"] = zipped(small_release)
    lines: list[str] = []
    source = f"{server.url}/m.zip?X-Amz-Signature=secret"
    table = acquire_release(source, target, progress=lines.append)
    assert read_provenance(table)["source"] == f"{server.url}/m.zip?…"
    assert lines and "secret" not in "".join(lines)
    server.files.clear()
    with pytest.raises(InputError, match=r"m\.zip\?…") as refused:
        acquire_release(source, target.parent)
    assert "secret" not in str(refused.value)


def test_a_download_starts_again_when_the_file_has_changed(server: WebServer, target: Path) -> None:
    server.files["/m.zip"] = b"a" * 1000
    server.break_after = [100]

    def change(_: float) -> None:
        server.files["/m.zip"], server.version = b"b" * 900, '"two"'

    path = download(f"{server.url}/m.zip", target.parent / "m.zip", max_bytes=10**6, wait=change)
    assert path.read_bytes() == b"b" * 900


def test_a_download_gives_up_and_leaves_no_file(server: WebServer, target: Path) -> None:
    server.files["/m.zip"] = b"a" * 1000
    server.break_after = [1, 0, 0, 0]
    with pytest.raises(InputError, match="no progress in 4 attempts"):
        download(f"{server.url}/m.zip", target.parent / "m.zip", max_bytes=10**6, wait=lambda _: None)
    assert not (target.parent / "m.zip").exists()
    with pytest.raises(InputError, match="answers 404"):
        download(f"{server.url}/gone.zip", target.parent / "m.zip", max_bytes=10**6)
    with pytest.raises(InputError, match="more than the 10 allowed"):
        download(f"{server.url}/m.zip", target.parent / "m.zip", max_bytes=10)
    with pytest.raises(InputError, match="http or https"):
        download("file:///etc/passwd", target.parent / "m.zip", max_bytes=10)


def test_mirrors_are_tried_in_order_and_judged_by_content(
    server: WebServer, small_release: Path, target: Path, tmp_path: Path
) -> None:
    other = write_release(tmp_path / "other", {"qaa": {"P19": [fact("u9")]}})
    server.files = {"/other.zip": zipped(other), "/right.tar.xz": tarred(small_release), "/unused.zip": b""}
    mirrors = tuple(
        f"{server.url}/{name}" for name in ("gone.zip", "other.zip", "right.tar.xz", "unused.zip")
    )
    with pytest.raises(InputError, match=r"answers 404.*rows are not those.*FACTROOTS_MLAMA_SOURCE"):
        acquire_release(None, target, mirrors=mirrors[:2])
    assert list(target.iterdir()) == []
    published = replace(identify_release(small_release), name="small", published=True)
    server.requests.clear()
    table = acquire_release(None, target, mirrors=mirrors, published=published)
    provenance = read_provenance(table)
    assert provenance["name"] == "small" and provenance["published"] and provenance["source"] == mirrors[2]
    assert [path for path, _ in server.requests] == ["/gone.zip", "/other.zip", "/right.tar.xz"]
    assert files_of(target) == files_of(small_release)


def test_the_hubs_parquet_holds_the_same_release(
    server: WebServer, small_release: Path, target: Path, tmp_path: Path
) -> None:
    rows = []
    for language in ("qab", "qaa"):
        for line in (small_release / language / "P19.jsonl").read_text("utf-8").splitlines():
            more = {
                "language": language,
                "predicate_id": "P19",
                "template": "[X] P19 [Y] .",
                "lineid": len(rows),
            }
            rows.append(json.loads(line) | more)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "hub.parquet")
    server.files["/all/test/0000.parquet"] = (tmp_path / "hub.parquet").read_bytes()
    table = acquire_release(f"{server.url}/all/test/0000.parquet", target)
    assert digest_of(target) == digest_of(small_release)
    assert pc.sum(table["rows"]).as_py() == 3
    assert read_split(target, "qab")["subject"].to_pylist() == ["Ада"]
    pq.write_table(pa.table({"uuid": ["u1"]}), tmp_path / "wrong.parquet")
    with pytest.raises(InputError, match="obj_label"):
        unpack(tmp_path / "wrong.parquet", tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        zip_of_member("../evil.jsonl"),
        zip_of_member("/abs/evil.jsonl"),
        zip_of_member("a\\..\\..\\evil.jsonl"),
        zip_of_member("C:/x/evil.jsonl"),
        zip_of_member("qaa/P19.jsonl", link=True),
        tar_of_member("../../evil.jsonl"),
        tar_of_member("/abs/evil.jsonl"),
        tar_of_member("qaa/P19.jsonl", tarfile.SYMTYPE),
        tar_of_member("qaa/P19.jsonl", tarfile.LNKTYPE),
        tar_of_member("qaa/P19.jsonl", tarfile.FIFOTYPE),
    ],
)
def test_hostile_archives_are_refused(body: bytes, target: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(body)
    before = {p for p in tmp_path.rglob("*")}
    with pytest.raises(InputError, match=r"outside the folder|is a link or device"):
        acquire_release(str(tmp_path / "bad"), target)
    assert {p for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("pack", [zipped, lambda root: tarred(root, "w:gz")])
def test_archives_that_grow_beyond_the_limit_are_refused(pack, tmp_path: Path) -> None:
    (tmp_path / "bomb" / "qaa").mkdir(parents=True)
    (tmp_path / "bomb" / "qaa" / "P19.jsonl").write_bytes(b"\n" * 5_000_000)
    (tmp_path / "archive").write_bytes(pack(tmp_path / "bomb"))
    assert (tmp_path / "archive").stat().st_size < 50_000
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError, match="more than is allowed"):
        unpack(tmp_path / "archive", out, max_bytes=1_000_000)


@pytest.mark.parametrize("cut", [0.3, 0.9])
@pytest.mark.parametrize("pack", [zipped, tarred, lambda root: tarred(root, "w:gz")])
def test_damaged_archives_are_named(
    small_release: Path, target: Path, tmp_path: Path, pack, cut: float
) -> None:
    body = pack(small_release)
    (tmp_path / "cut.bin").write_bytes(body[: int(len(body) * cut)])
    with pytest.raises(InputError, match=r"cut\.bin"):
        acquire_release(str(tmp_path / "cut.bin"), target)


def test_a_source_without_a_release_is_refused(tmp_path: Path, target: Path, small_release: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        acquire_release(str(tmp_path / "nowhere"), target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is not an mLAMA release"):
        acquire_release(str(tmp_path / "empty"), target)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="damaged, or not"):
        acquire_release(str(tmp_path / "text"), target)
    (small_release / "qab" / "templates.jsonl").unlink()
    with pytest.raises(InputError, match=r"qab/templates\.jsonl is missing"):
        acquire_release(str(small_release), target)


def test_the_published_release_is_recognised(published_release: tuple[Path, pa.Table]) -> None:
    _, table = published_release
    provenance = read_provenance(table)
    assert provenance["published"] and provenance["name"] == "mLAMA 1.1"
    assert provenance["digest"] == PUBLISHED.digest
    assert pc.sum(table["rows"]).as_py() == 843_143
    assert table.num_rows - table["template"].null_count == 2_597
    with_file = table.filter(pc.is_valid(table["file"]))
    assert pc.sum(pc.equal(with_file["rows"], 0)).as_py() == 35
    assert len(set(table["relation"].to_pylist()) - set(with_file["relation"].to_pylist())) == 6
