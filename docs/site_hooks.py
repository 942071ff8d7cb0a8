"""Hooks of MkDocs: the site also has the README, CONTRIBUTING, CHANGELOG and the benchmarks' results.

These stand outside docs/, where GitHub's readers and tools look for them. Links between them and docs/ are
rewritten to where the pages are in the site; links to source files become plain text.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>(?!https?://|mailto:|#)[^)#\s]*)(?P<anchor>#[^)\s]+)?\)"
)


def _pages(root: Path) -> dict[Path, str]:
    """The files outside docs/ that the site has, and their names in it."""
    pages = {root / "README.md": "index.md"}
    pages |= {root / f"{name}.md": f"{name.lower()}.md" for name in ("CONTRIBUTING", "CHANGELOG")}
    results = root / "benchmarks" / "results"
    return pages | {
        path: f"results/{path.name}" for path in sorted(results.iterdir()) if path.suffix in (".md", ".png")
    }


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/."""
    for path, name in _pages(Path(config.config_file_path).parent).items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page to files of the site; others become their text."""
    root = Path(config.config_file_path).parent
    names = {path.resolve(): name for path, name in _pages(root).items()}
    source = Path(page.file.abs_src_path or "").resolve()

    def rewrite(link: re.Match[str]) -> str:
        target = (source.parent / link["target"]).resolve()
        docs = Path(config.docs_dir).resolve()
        name = names.get(target) or (
            target.relative_to(docs).as_posix() if target.is_relative_to(docs) else None
        )
        if name is None:
            return link["text"]
        up = "../" * page.file.src_uri.count("/")
        return f"{link['image']}[{link['text']}]({up}{name}{link['anchor'] or ''})"

    return _LINK.sub(rewrite, markdown)
