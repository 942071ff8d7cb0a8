"""Paths in a dump's table, for dumps inside a partition and outside it."""

from __future__ import annotations

from pathlib import Path

from assets_tests.corpora.dumps import dump_xml, write_dump
from factroots_dagster.corpora.wikipedia.dump import (
    acquire_dump,
    make_absolute,
    make_relative,
    remove_other_files,
)

NAME = "nlwiki-20240101-pages-articles.xml.bz2"


def test_the_path_of_a_file_in_the_folder_follows_the_folder_when_it_is_moved(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    write_dump(before, dump_xml([]), NAME)
    relative = make_relative(acquire_dump("nl", str(before), "latest", before), before)
    assert relative["path"].to_pylist() == [NAME]
    before.rename(after)
    moved = make_absolute(relative, after)
    assert moved["path"].to_pylist() == [str(after / NAME)]
    assert moved.schema == relative.schema


def test_the_path_of_a_file_elsewhere_stays_absolute(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    elsewhere.mkdir()
    write_dump(elsewhere, dump_xml([]), NAME)
    dump = acquire_dump("nl", str(elsewhere), "latest", folder)
    relative = make_relative(dump, folder)
    assert relative["path"].to_pylist() == [str(elsewhere / NAME)]
    assert make_absolute(relative, folder) == dump


def test_files_of_another_snapshot_are_removed_from_the_folder(tmp_path: Path) -> None:
    write_dump(tmp_path, dump_xml([]), "nlwiki-20230101-pages-articles.xml.bz2")
    write_dump(tmp_path, dump_xml([]), NAME)
    remove_other_files(acquire_dump("nl", str(tmp_path), "latest", tmp_path), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
