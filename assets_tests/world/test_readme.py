"""Every command of the README and of docs/use.md runs as it stands there, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from assets_tests.project import PROJECT, MaterializedWorld, command

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [
    page for folder in ("", "docs/", "benchmarks/results/") for page in sorted(PROJECT.glob(f"{folder}*.md"))
]
TEXTS = {page.relative_to(PROJECT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
COMMANDS = list(
    dict.fromkeys(
        line
        for text in (README, TEXTS["docs/use.md"])
        for block in re.findall(r"```bash\n(.*?)```", text, re.S)
        for line in block.splitlines()
        if line
    )
)


def test_the_readme_has_commands_and_is_short() -> None:
    assert len(COMMANDS) >= 10
    assert len(README.split()) <= 1200


@pytest.mark.parametrize("page", TEXTS)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", TEXTS[page]):
        file = ((PROJECT / page).parent / target).resolve() if target else PROJECT / page
        assert file.exists(), f"{page} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page} links to {target}#{anchor}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_succeeds(world: MaterializedWorld, line: str) -> None:
    program, *arguments = shlex.split(line)
    done = subprocess.run(
        [command(program), *arguments],
        env=world.environment(),
        cwd=PROJECT if program == "dg" else world.dagster_home,  # dg looks for pyproject.toml
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_the_make_targets_that_pages_name_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    named = re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", "\n".join(TEXTS.values()), re.M)
    assert {"demo", "test"} <= set(named)
    for target in set(named):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_the_page_of_settings_has_all_that_there_are() -> None:
    from factroots_dagster.settings import Settings

    named = {
        name.lower() for name in re.findall(r"^\| `FACTROOTS_([A-Z_]+)`", TEXTS["docs/settings.md"], re.M)
    }
    assert named == set(Settings.model_fields)
