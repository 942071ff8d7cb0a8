"""What the tests of Wikipedia share: real dumps where they are given, hand-made dumps, one Spark session."""

from __future__ import annotations

import bz2
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from factroots_dagster.mlama.split import read_split
from factroots_dagster.wikipedia.articles import write_articles
from factroots_dagster.wikipedia.dump import acquire_dump
from factroots_dagster.wikipedia.session import JAVA_OPTIONS_VARIABLE, spark_session

HEAD = """<mediawiki
  xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="{language}">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>{database}wiki</dbname>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
      <namespace key="6" case="first-letter">Bestand</namespace>
      <namespace key="10" case="first-letter">Template</namespace>
      <namespace key="14" case="first-letter">Categorie</namespace>
    </namespaces>
  </siteinfo>
"""


def page_xml(number: int, title: str, text: str, namespace: int = 0, redirect: str | None = None) -> str:
    """One <page> as MediaWiki exports it; its revision is 1000 + number."""
    moved = f'    <redirect title="{escape(redirect)}" />\n' if redirect else ""
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n"
        f"    <id>{number}</id>\n{moved}"
        f"    <revision>\n      <id>{1000 + number}</id>\n      <contributor><id>7</id></contributor>\n"
        f'      <text bytes="1" xml:space="preserve">{escape(text)}</text>\n    </revision>\n  </page>\n'
    )


def dump_xml(pages: list[str], language: str = "nl", database: str | None = None) -> str:
    """A whole export of pages made by `page_xml`."""
    return HEAD.format(language=language, database=database or language) + "".join(pages) + "</mediawiki>\n"


def write_dump(folder: Path, xml: str | bytes, name: str = "nlwiki-20240101-pages-articles.xml.bz2") -> Path:
    """`xml` as a dump file in `folder`, compressed when the name ends in .bz2."""
    data = xml.encode() if isinstance(xml, str) else xml
    path = folder / name
    path.write_bytes(bz2.compress(data) if name.endswith(".bz2") else data)
    return path


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """One session for all tests; Java's quick compiler only, since tests end before the slow one pays."""
    os.environ.setdefault(JAVA_OPTIONS_VARIABLE, "-XX:TieredStopAtLevel=1")
    yield spark_session("local[2]")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: FACTROOTS_TEST_DATA, or `shared/data` beside the project."""
    given = os.environ.get("FACTROOTS_TEST_DATA")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    if not (folder / "wikipedia").is_dir():
        pytest.skip(f"no real dumps in {folder} (set FACTROOTS_TEST_DATA)")
    return folder


@dataclass(frozen=True)
class Greek:
    """The real Greek dump's articles and the real Greek facts."""

    articles_folder: Path
    articles: pa.Table
    split: pa.Table


@pytest.fixture(scope="session")
def greek(spark, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Greek:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("greek")
    dump = acquire_dump("el", str(real_data / "wikipedia"), "latest", folder)
    write_articles(spark, dump, folder)
    with tarfile.open(real_data / "mlama1.1.tar.xz") as archive:
        release = tmp_path_factory.mktemp("mlama")
        members = [member for member in archive if "/el/" in f"/{member.name}" and member.isfile()]
        archive.extractall(release, members, filter="data")
    (templates,) = release.rglob("templates.jsonl")
    articles = ds.dataset(folder).to_table().filter(pc.is_null(pc.field("redirect_to")))
    return Greek(folder, articles, read_split(templates.parent.parent, "el"))
