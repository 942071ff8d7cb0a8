"""Corpora of Parquet and JSON lines as documents: shapes, resumption, duplicates, several in one world."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from assets_tests.corpora.collections import SHAPED, Text, write_lines, write_rows, write_shaped
from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.files import table_digests
from assets_tests.orchestration.runs import materialize
from assets_tests.project import PROJECT
from factroots_dagster.corpora import registry
from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.collection.documents import write_documents
from factroots_dagster.corpora.collection.files import list_files
from factroots_dagster.corpora.registry import acquire_files, write_all_documents
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS, WIKIPEDIA_DUMP
from factroots_dagster.corpora.wikipedia.dump import make_absolute, make_relative
from factroots_dagster.errors import InputError
from factroots_dagster.settings import Settings
from factroots_dagster.store.atomic import link_or_copy
from factroots_dagster.store.parquet import main_files
from factroots_dagster.store.store import Store

TEXTS = [
    Text("<urn:uuid:1>", "https://example.org/1", "Երևանը Հայաստանի մայրաքաղաքն է։\nԱյն մեծ է։"),
    Text("<urn:uuid:2>", "http://example.org/2?a=b&c=d", 'Գյումրի "քաղաք" 😀'),
    Text("<urn:uuid:3>", "https://example.org/3", ""),
    Text("<urn:uuid:4>", "https://example.org/4", "Վանաձոր"),
    Text("<urn:uuid:5>", "https://example.org/5", "Երևան"),
]


def listed(session: Any, setting: str, language: str = "hy") -> pa.Table:
    (choice,) = parse_corpora(setting)
    return list_files(language, choice, session)


def written(
    session: Any, setting: str, folder: Path, language: str = "hy", **options: Any
) -> list[dict[str, Any]]:
    """The rows of WIKIPEDIA_ARTICLES of one corpus."""
    folder.mkdir(exist_ok=True)
    write_documents(session, listed(session, setting, language), folder, **options)
    side_tables = {path.name for path in folder.iterdir() if not path.name.startswith("part-")}
    assert side_tables == {"_anchors.parquet", "_counts.parquet", "_problems.parquet"}
    table = ds.dataset(folder).to_table()
    assert table.schema == WIKIPEDIA_ARTICLES
    rows: list[dict[str, Any]] = table.to_pylist()
    ids = [row["page_id"] for row in rows]
    assert ids == sorted(set(ids)) and all(page_id > 2**52 for page_id in ids)
    return rows


@pytest.fixture
def session(spark):  # type: ignore[no-untyped-def]
    return lambda: spark


@pytest.mark.parametrize("shape", SHAPED)
def test_every_shape_is_read_right(session: Any, tmp_path: Path, shape: str) -> None:
    corpus, path = SHAPED[shape], write_shaped(tmp_path, shape, TEXTS)
    if shape == "dolma":  # one language, and not every source has addresses
        write_rows(path.with_name("hy-0001.json.gz"), [{"id": "b", "text": "Գիրք", "metadata": {}}])
    setting = f"web={tmp_path}/{corpus.location} shape={shape}"
    rows = written(session, setting, tmp_path / "out")
    if shape == "dolma":
        last = rows.pop()
        assert (last["title"], last["url"], last["text"]) == ("b", None, "Գիրք")
    name = Path(corpus.file).name
    assert [row["text"] for row in rows] == [text.text for text in TEXTS]
    titles = [text.id if corpus.has_id else f"{name}:{n}" for n, text in enumerate(TEXTS, 1)]
    assert [row["title"].rpartition("/")[2] for row in rows] == titles
    assert [row["url"] for row in rows] == [text.url if corpus.has_url else None for text in TEXTS]
    for row, text in zip(rows, TEXTS, strict=True):
        assert row["wikitext_bytes"] == len(text.text.encode()) and row["weight"] == 1
        assert row["corpus"] == "web" and row["revision_id"] is None and row["redirect_to"] is None
        assert row["list_lines"] == row["names"] == []
    assert [row["words"] for row in rows] == [7, 2, 0, 1, 1]
    counts = pq.read_table(tmp_path / "out" / "_counts.parquet").to_pylist()[0]
    documents = len(rows) + (shape == "dolma")
    assert counts["pages"] == counts["articles"] == documents and counts["damaged_pages"] == 0


def test_the_size_of_a_cluster_of_near_duplicates_can_be_the_weight(session: Any, tmp_path: Path) -> None:
    write_shaped(tmp_path, "fineweb2", TEXTS)
    setting = (
        f"web={tmp_path}/data/{{language_script}}/train/*.parquet shape=fineweb2 weight=minhash_cluster_size"
    )
    assert [row["weight"] for row in written(session, setting, tmp_path / "out")] == [1, 2, 3, 4, 5]


def test_a_column_tells_the_languages_of_one_file_apart(session: Any, tmp_path: Path) -> None:
    codes = ["hye", "ell", "hy", "hye_Armn", None, "rus"]
    rows = [{"text": f"T{n}", "code": code} for n, code in enumerate(codes)]
    write_rows(tmp_path / "all.jsonl", rows)
    setting = f"web={tmp_path}/all.jsonl language=code"
    assert [row["text"] for row in written(session, setting, tmp_path / "hy")] == ["T0", "T2", "T3", "T4"]
    counts = pq.read_table(tmp_path / "hy" / "_counts.parquet").to_pylist()[0]
    assert counts["pages"] == 4 and counts["damaged_pages"] == 0
    write_rows(tmp_path / "all.jsonl", rows[1:2])
    with pytest.raises(InputError, match="no document of language 'hy' in 1 files; its documents are in ell"):
        written(session, setting, tmp_path / "none")


def test_bad_rows_are_listed_and_a_file_of_nothing_else_is_refused(session: Any, tmp_path: Path) -> None:
    lines = [b'{"text": "good"}', b"{", b'{"text": 1}', b'{"text": "also"}']
    write_lines(tmp_path / "a" / "x.jsonl.gz", lines)
    (tmp_path / "out").mkdir()
    counts = write_documents(session, listed(session, f"web={tmp_path}/a"), tmp_path / "out")
    assert (counts["pages"], counts["damaged_pages"], counts["lost_bytes"]) == (2, 2, 2 + 12)
    problems = pq.read_table(tmp_path / "out" / "_problems.parquet").to_pylist()
    assert [problem["title"] for problem in problems] == ["x.jsonl.gz:2", "x.jsonl.gz:3"]
    assert problems[0]["problem"].startswith("not JSON") and problems[1]["problem"] == "no text in 'text'"
    write_lines(tmp_path / "a" / "y.jsonl", [b'{"text": null}'] * 3)
    with pytest.raises(
        InputError, match=r"y.jsonl: none of its 3 rows can be read; row 1: no text in 'text'"
    ):
        written(session, f"web={tmp_path}/a", tmp_path / "refused")


def test_a_damaged_shard_is_refused_and_the_others_stay_finished(session: Any, tmp_path: Path) -> None:
    rows = [{"text": hashlib.sha512(str(n).encode()).hexdigest()} for n in range(3000)]
    for number in range(4):
        write_rows(tmp_path / "in" / f"{number}.jsonl.gz", rows[number::4])
    inventory, out = listed(session, f"web={tmp_path}/in"), tmp_path / "out"
    whole = (tmp_path / "in" / "2.jsonl.gz").read_bytes()
    (tmp_path / "in" / "2.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    out.mkdir()
    with pytest.raises(InputError, match=r"in/2.jsonl.gz: damaged or cut off"):
        write_documents(session, inventory, out)
    stamps = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert sorted(stamps) == [f"part-0000{number}-000.parquet" for number in (0, 1, 3)]
    with pytest.raises(InputError, match=r"in/2.jsonl.gz: damaged or cut off"):
        write_documents(session, inventory, out)
    (tmp_path / "in" / "2.jsonl.gz").write_bytes(whole)
    lines: list[str] = []
    counts = write_documents(session, inventory, out, progress=lines.append)
    assert counts["articles"] == 3000 and "3 of 4 parts were finished" in lines[0]
    again = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert len(again) == 4 and again.items() >= stamps.items()


KILLED_RUN = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from factroots_dagster.corpora.collection.documents import write_documents
from factroots_dagster.spark.session import spark_session
session = lambda: spark_session("local[2]")
write_documents(session, pq.read_table(sys.argv[1]), Path(sys.argv[2]), job_bytes=1)
"""


@pytest.mark.parametrize("options", ["", "duplicates=merge"])
def test_a_run_that_is_killed_half_way_is_resumed(session: Any, tmp_path: Path, options: str) -> None:
    rows = [{"text": f"Text {n % 50}"} for n in range(400)]
    for number in range(6):
        write_rows(tmp_path / "in" / f"{number}.jsonl", rows[number::6])
    setting = f"web={tmp_path}/in {options}"
    written(session, setting, tmp_path / "undisturbed")
    undisturbed = table_digests(tmp_path / "undisturbed")
    inventory, killed = listed(session, setting), tmp_path / "killed"
    pq.write_table(inventory, tmp_path / "inventory.parquet")
    killed.mkdir()
    # A pipe that nobody writes into: whoever reads this shard waits, also a worker that outlives the kill.
    path = tmp_path / "in" / "4.jsonl"
    path.rename(tmp_path / "4.jsonl")
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    command = [sys.executable, "-c", KILLED_RUN, str(tmp_path / "inventory.parquet"), str(killed)]
    run = subprocess.Popen(command, start_new_session=True, cwd=PROJECT)
    states = killed / "_texts" if options else killed
    try:
        deadline = time.monotonic() + 50
        while len(list(states.glob("_finished-*.json"))) < 4:
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    path.unlink()
    (tmp_path / "4.jsonl").rename(path)
    finished = sorted(states.glob("part-*.parquet"))
    stamps = [path.stat().st_mtime_ns for path in finished]
    lines: list[str] = []
    write_documents(session, inventory, killed, progress=lines.append)
    assert len(finished) == 4 and any("4 of 6 parts were finished" in line for line in lines)
    if not options:
        assert stamps == [path.stat().st_mtime_ns for path in finished]
    assert table_digests(killed) == undisturbed
    os.close(writer)


@pytest.mark.parametrize("mode", ["count", "merge", "once"])
def test_equal_texts_count_as_configured(session: Any, tmp_path: Path, mode: str) -> None:
    texts = ["A b", "B c", "A b", "C d", "A b ", "B c", "A b", "a b", "D e"]
    weights = [3, 1, 2, 5, 1, 4, 7, 1, 1]
    rows = [{"text": text, "n": weight} for text, weight in zip(texts, weights, strict=True)]
    for number in range(3):
        write_rows(tmp_path / "in" / f"{number}.parquet", rows[number * 3 : number * 3 + 3])
    found = written(session, f"web={tmp_path}/in weight=n duplicates={mode}", tmp_path / "out")
    found_weights = [(row["text"], row["weight"]) for row in found]
    counts = pq.read_table(tmp_path / "out" / "_counts.parquet").to_pylist()[0]
    assert counts["pages"] == 9 and counts["articles"] == len(found)
    if mode == "count":
        assert found_weights == list(zip(texts, weights, strict=True))
        return
    total: Counter[str] = Counter()
    first: dict[str, int] = {}
    for text, weight in zip(texts, weights, strict=True):
        total[text] += weight
        first.setdefault(text, weight)
    assert found_weights == list((total if mode == "merge" else first).items())


def test_files_at_a_uri_are_read_by_spark_to_the_same_documents(session: Any, tmp_path: Path) -> None:
    rows = [
        {"text": f"Text {n}\nnext", "id": f"i{n}", "n": n % 3 + 1, "m": {"u": f"https://x/{n}"}}
        for n in range(50)
    ]
    for number, ending in enumerate(("parquet", "jsonl", "jsonl.gz", "jsonl.zst", "parquet")):
        write_rows(tmp_path / "a b" / f"{number}.{ending}", rows[number::5])
    write_lines(tmp_path / "a b" / "5.jsonl", [b'{"text": "ok"}', b"", b"{", b'{"text": "\xff"}'])
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a b" / "6.parquet")
    options = "weight=n? url=m.u? duplicates=merge"
    local = written(session, f"'web={tmp_path}/a b/*' {options}", tmp_path / "local")
    remote = written(session, f"'web=file://{tmp_path}/a b/*' {options}", tmp_path / "remote")
    assert remote == local and len(local) == 51
    tables = [
        [pq.read_table(tmp_path / out / f"_{name}.parquet").to_pylist() for name in ("counts", "problems")]
        for out in ("local", "remote")
    ]
    assert tables[0] == tables[1] and len(tables[0][1]) == 2
    inventory = listed(session, f"'web=file://{tmp_path}/a b/*' {options}")
    assert inventory["file"].to_pylist() == [path.name for path in sorted((tmp_path / "a b").iterdir())]
    assert make_absolute(make_relative(inventory, tmp_path), tmp_path).equals(inventory)
    assert all(path.startswith("file:///") for path in inventory["path"].to_pylist())


def test_shards_at_a_uri_that_are_finished_are_not_read_again(session: Any, tmp_path: Path) -> None:
    for number in range(3):
        write_rows(tmp_path / "in" / f"{number}.jsonl", [{"text": f"Text {number}"}])
    inventory, out = listed(session, f"web=file://{tmp_path}/in"), tmp_path / "out"
    out.mkdir()
    write_lines(tmp_path / "in" / "1.jsonl", [b"{"])
    with pytest.raises(InputError, match=r"1.jsonl: none of its 1 rows can be read"):
        write_documents(session, inventory, out)
    stamps = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert len(stamps) == 2
    write_rows(tmp_path / "in" / "1.jsonl", [{"text": "Text 1"}])
    lines: list[str] = []
    write_documents(session, inventory, out, progress=lines.append)
    assert "2 of 3 parts were finished" in lines[0]
    again = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert again.items() >= stamps.items() and len(again) == 3


def test_jobs_at_a_uri_that_are_finished_stay_finished(session: Any, tmp_path: Path) -> None:
    rows = [{"text": hashlib.sha512(str(n).encode()).hexdigest()} for n in range(400)]
    for number in range(4):
        write_rows(tmp_path / "in" / f"{number}.jsonl.gz", rows[number::4])
    inventory, out = listed(session, f"web=file://{tmp_path}/in"), tmp_path / "out"
    damaged = tmp_path / "in" / "2.jsonl.gz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    out.mkdir()
    with pytest.raises(InputError, match=r"Spark cannot read a file of the corpus: .*2.jsonl.gz"):
        write_documents(session, inventory, out, job_bytes=1)
    stamps = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert sorted(stamps) == ["part-00000-000.parquet", "part-00001-000.parquet"]
    damaged.write_bytes(whole)
    lines: list[str] = []
    counts = write_documents(session, inventory, out, progress=lines.append)
    assert counts["articles"] == 400 and "2 of 4 parts were finished" in lines[0]
    again = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert again.items() >= stamps.items() and len(again) == 4
    assert [row["text"] for row in ds.dataset(out).to_table().to_pylist()] == [
        row["text"] for number in range(4) for row in rows[number::4]
    ]


@pytest.mark.parametrize("name", ["a.parquet", "z.parquet", "a.jsonl.gz", "a.jsonl.zst"])
def test_a_damaged_file_at_a_uri_is_refused_by_name(session: Any, tmp_path: Path, name: str) -> None:
    rows = [{"text": hashlib.sha512(str(n).encode()).hexdigest()} for n in range(2000)]
    path = write_rows(tmp_path / "in" / name, rows)
    if name == "z.parquet":  # the columns are those of another file
        write_rows(tmp_path / "in" / "0.parquet", rows)
    inventory = listed(session, f"web=file://{tmp_path}/in")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match=f"Spark cannot read a file of the corpus: .*{name}"):
        write_documents(session, inventory, tmp_path / "out")


@pytest.mark.parametrize("scheme", ["s3a", "gs", "nowhere"])
def test_a_uri_that_spark_cannot_read_is_refused_by_name(session: Any, scheme: str) -> None:
    with pytest.raises(InputError, match=f"Spark cannot read {scheme}://bucket/x.parquet") as error:
        listed(session, f"web={scheme}://bucket/x.parquet")
    assert "spark.jars.packages" in error.value.remedy


def wikipedia_and_web(folder: Path) -> Settings:
    """A world of a Dutch Wikipedia and a corpus with the same texts, as FineWeb-2 has them."""
    pages = [page_xml(n, f"T{n}", f"Tekst {n} over [[Brussel]].") for n in range(1, 6)]
    pages.append(page_xml(6, "Brussel", "'''Brussel''' is een stad."))
    pages.append(page_xml(7, "Bruxelles", "#REDIRECT [[Brussel]]", redirect="Brussel"))
    (folder / "dumps").mkdir()
    write_dump(folder / "dumps", dump_xml(pages))
    texts = [Text(f"i{n}", f"https://x/{n}", f"Tekst {n} over Brussel.") for n in range(1, 6)]
    for number, text in enumerate(texts):
        row = dict(SHAPED["fineweb2"].row(number, text)) | {"language": "nld", "language_script": "Latn"}
        write_rows(folder / "web" / "nld_Latn" / f"{number}.parquet", [row])
    return Settings(
        world="mlama",
        data_root=folder / "data",
        wikipedia_source=str(folder / "dumps"),
        corpora=f"wikipedia, web={folder}/web/{{language_script}} shape=fineweb2",
    )


def add_facts(folder: Path) -> Path:
    """A release of three Dutch facts, two of which the documents of `wikipedia_and_web` state."""
    folder.mkdir(parents=True)
    template = {"relation": "P36", "template": "[Y] is de hoofdstad van [X] .", "wikidata_id": "P36"}
    template |= dict.fromkeys(("label", "description", "type"), "")
    (folder / "templates.jsonl").write_text(json.dumps(template) + "\n")
    rows = [
        {"uuid": f"0000000{n}-0000-0000-0000-000000000000", "lineid": n, "from_english": False}
        | {"obj_uri": "Q1", "obj_label": "Brussel", "sub_uri": f"Q1{n}", "sub_label": f"Tekst {n}"}
        for n in range(3)
    ]
    (folder / "P36.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder.parent


def test_two_corpora_in_one_world_pass_their_checks(tmp_path: Path) -> None:
    settings = wikipedia_and_web(tmp_path)
    settings = settings.model_copy(update={"mlama_source": str(add_facts(tmp_path / "release" / "nl"))})
    materialize(settings, "mlama_release")
    documents = ("wikipedia_dump", "wikipedia_articles", "wikipedia_volume")
    materialize(settings, *documents, "mlama_split", "entity_mentions", "fact_sources", partition="nl")
    store = Store(settings.data_root, "mlama")
    sources = store.read("fact_sources", "nl").to_pylist()
    found = [
        (row["uuid"][7], row["corpus"], row["windows"], [passage["url"] for passage in row["evidence"]])
        for row in sources
        if row["matcher"] == "sentence"
    ]
    assert found == [
        *(("0", "wikipedia", 0, []), ("0", "web", 0, [])),
        *(("1", "wikipedia", 1, [None]), ("1", "web", 1, ["https://x/1"])),
        *(("2", "wikipedia", 1, [None]), ("2", "web", 1, ["https://x/2"])),
    ]
    (volume,) = store.read("wikipedia_volume", "nl").to_pylist()
    assert volume["corpora"] == ["wikipedia", "web"] and volume["snapshot"] == "20240101"
    dump = store.read("wikipedia_dump", "nl")
    assert dump["corpus"].to_pylist() == ["wikipedia", *["web"] * 5]
    assert dump["reading"].null_count == 1
    articles = store.read("wikipedia_articles", "nl")
    assert Counter(articles["corpus"].to_pylist()) == {"wikipedia": 7, "web": 5}
    assert articles["url"].null_count == 7 and len(set(articles["page_id"].to_pylist())) == 12
    counts = store.read_side("counts", "wikipedia_articles", "nl").to_pylist()
    assert [(row["pages"], row["articles"], row["redirects"]) for row in counts] == [(12, 11, 1)]
    files = sorted(path.name for path in store.require("wikipedia_articles", "nl").iterdir())
    assert [name[5:10] for name in files if name.startswith("part-")] == [f"{n:05d}" for n in range(6)]
    assert [name for name in files if not name.startswith("part-")] == [
        *("_anchors.parquet", "_counts.parquet", "_problems.parquet")
    ]


def test_a_language_that_no_corpus_has_is_refused(session: Any, tmp_path: Path) -> None:
    settings = wikipedia_and_web(tmp_path)
    web = [choice for choice in settings.corpus_choices if choice.name == "web"]
    with pytest.raises(InputError, match=r"No corpus .* has files of language 'hy': web \("):
        acquire_files("hy", web, "", "latest", tmp_path, session)


def test_joining_corpora_is_taken_up_where_it_was_killed(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = wikipedia_and_web(tmp_path)
    choices, source = settings.corpus_choices, settings.wikipedia_source
    inventory = acquire_files("nl", choices, source, "latest", tmp_path, session)
    assert inventory.schema == WIKIPEDIA_DUMP
    (tmp_path / "whole").mkdir()
    write_all_documents(session, inventory, tmp_path / "whole")
    expected = table_digests(tmp_path / "whole")
    assert sum(name.startswith("part-") for name in expected) == 6
    for files in range(6):
        folder, joined = tmp_path / f"killed-{files}", list[Path]()
        folder.mkdir()

        def join_or_die(source: Path, target: Path, joined: list[Path] = joined, files: int = files) -> None:
            if len(joined) == files:
                raise KeyboardInterrupt
            joined.append(target)
            link_or_copy(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(registry, "link_or_copy", join_or_die)
            with pytest.raises(KeyboardInterrupt):
                write_all_documents(session, inventory, folder)
        if files == 3:  # a power cut took a file of the one corpus, and a part of one of the other
            corpora = sorted(folder.glob("_corpus-*"))
            main_files(corpora[0])[0].unlink()
            main_files(corpora[1])[0].write_bytes(b"PAR1")
        write_all_documents(session, inventory, folder)
        assert table_digests(folder) == expected


def test_counts_are_one_row_as_for_wikipedia(session: Any, tmp_path: Path) -> None:
    write_rows(tmp_path / "in" / "0.jsonl", [{"text": "Één zin."}])
    written(session, f"web={tmp_path}/in", tmp_path / "out", language="nl")
    table = pq.read_table(tmp_path / "out" / "_counts.parquet")
    assert table.schema.names == WIKIPEDIA_COUNTS.names
    (row,) = table.to_pylist()
    assert row["characters"] == 8 and row["wikitext_bytes"] == 10 and row["words"] == 2
