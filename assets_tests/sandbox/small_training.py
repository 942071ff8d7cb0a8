"""A small training on a generated world, and the digests of what it saves."""

from __future__ import annotations

import hashlib
from pathlib import Path

from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.training import TrainingConfig

SMALL = TrainingConfig(vocabulary_share=0.6, hidden=32, intermediate=64, heads=2, batch_size=16, log_every=1)


def texts_and_titles(
    world: World, articles: int | None = None
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """By language: the texts of all or the first `articles`, and the titles of all articles and redirects."""
    texts = {code: [article.text for article in world.articles[code][:articles]] for code in world.languages}
    titles = {
        code: [article.title for article in world.articles[code]] + list(world.redirects[code])
        for code in world.languages
    }
    return texts, titles


def all_texts(world: World) -> list[str]:
    """The texts of all articles of all languages."""
    return [article.text for articles in world.articles.values() for article in articles]


def file_digests(folder: Path) -> dict[str, str]:
    """Relative path to SHA-256 of every file in a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
