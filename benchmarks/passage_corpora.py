"""Corpora of Wikipedia's text in de, es and ja, from public sets of it, for `benchmarks.statements`.

de, es: sentences of WikiNEuRal (Tedeschi et al., Findings of EMNLP 2021; CC BY-NC-SA 4.0), files val and
test. Every sentence is a document without a title; words are joined as they are written. ja: paragraphs of
JaQuAD (So et al. 2022; CC BY-SA 3.0), joined by article. Nothing of them is kept here: the sample names
places only.

    python -m benchmarks.passage_corpora WIKINEURAL JAQUAD FOLDER

WIKINEURAL, JAQUAD: checkouts of Babelscape/wikineural and SkelterLabsInc/JaQuAD. Writes
FOLDER/<language>.jsonl, which `FACTROOTS_CORPORA="read=FOLDER/{language}.jsonl"` reads.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

CLOSING = re.compile(r" ([,.;:!?%)\]»”’])")
OPENING = re.compile(r"([(\[«„“‘¿¡]) ")


def join_words(words: Iterable[str]) -> str:
    """A sentence from its words and marks."""
    return OPENING.sub(r"\1", CLOSING.sub(r"\1", " ".join(words)))


def read_sentences(path: Path) -> list[str]:
    """The sentences of a CoNLL-U file: lines have words in column 2, empty lines are between sentences."""
    blocks = (block.split("\n") for block in path.read_text(encoding="utf-8").strip().split("\n\n"))
    return [join_words(line.split("\t")[1] for line in block if "\t" in line) for block in blocks]


def read_articles(folder: Path) -> dict[str, list[str]]:
    """The distinct paragraphs of each article of JaQuAD, by title."""
    articles: dict[str, list[str]] = {}
    for path in sorted(folder.glob("data/*/*.json")):
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            own = articles.setdefault(article["title"], [])
            own += [each["context"] for each in article["paragraphs"] if each["context"] not in own]
    return articles


def write_documents(path: Path, documents: Iterable[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for identifier, text in documents:
            file.write(json.dumps({"id": identifier, "text": text}, ensure_ascii=False) + "\n")


def main(wikineural: str, jaquad: str, folder: str) -> None:
    for language in ("de", "es"):
        own = Path(wikineural, "data", "wikineural", language)
        numbered = (
            (f"{part} {number}", sentence)
            for part in ("val", "test")
            for number, sentence in enumerate(read_sentences(own / f"{part}.conllu"))
        )
        write_documents(Path(folder, f"{language}.jsonl"), numbered)
    articles = read_articles(Path(jaquad))
    joined = ((title, "\n\n".join(paragraphs)) for title, paragraphs in articles.items())
    write_documents(Path(folder, "ja.jsonl"), joined)


if __name__ == "__main__":
    main(*sys.argv[1:])
