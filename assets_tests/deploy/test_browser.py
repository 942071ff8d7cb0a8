"""Dagster's UI in a real browser: the graph, a materialization by click, its checks and its picture.

With DOCS_SCREENSHOT=docs/ui.png it also makes the README's picture.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from assets_tests.deploy.topology import guarded
from assets_tests.project import MaterializedWorld
from assets_tests.serving import Api, dagster_dev, listening_addresses
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

ASSET = "fact_coverage"  # one partition, a picture, quick
EXECUTIONS = (
    f'{{ assetCheckExecutions(assetKey: {{path: ["{ASSET}"]}}, checkName: "blocking", limit: 9) '
    "{ status runId } }"
)
REPOSITORIES = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
TIMEOUT_MS = 180_000


@pytest.fixture(scope="module")
def materialized(
    world: MaterializedWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MaterializedWorld]:
    """A copy of the world whose history has no materialization of one asset."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(world.settings.data_root, folder / "data", symlinks=True)
    shutil.copytree(world.dagster_home, folder / "home", symlinks=True)
    settings = world.settings.model_copy(update={"data_root": folder / "data"})
    with dg.DagsterInstance.from_config(str(folder / "home")) as instance:
        instance.wipe_assets([dg.AssetKey(ASSET)])
    yield MaterializedWorld(settings, Store(folder / "data", settings.world), folder / "home", "")


@pytest.fixture(scope="module")
def api(materialized: MaterializedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("dev")
    with dagster_dev(materialized, folder, guarded(folder / "refused.log")) as api:
        yield api
    assert not (folder / "refused.log").exists(), (folder / "refused.log").read_text()


@pytest.fixture(scope="module")
def page(api: Api) -> Iterator[Page]:
    """A page of headless Chromium that may only load the UI's own address."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed (the extra 'browser')"
    )
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    arguments = ["--disable-gpu", "--disable-quic", "--no-first-run"]
    # what Chromium would request from its maker's servers
    arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox does not work for root
    blocked: list[str] = []

    def block_other_addresses(route: Any) -> None:
        if route.request.url.startswith((api.address, "data:", "blob:")):
            route.continue_()
        else:
            blocked.append(route.request.url)
            route.abort()

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1720, "height": 1000})
        page.set_default_timeout(TIMEOUT_MS)
        page.route("**/*", block_other_addresses)
        yield page
        browser.close()
    assert blocked == []


def test_the_ui_listens_on_loopback_only(api: Api) -> None:
    """As `make ui` starts it, without an address."""
    assert listening_addresses(int(api.address.rpartition(":")[2])) == {"127.0.0.1"}


def test_an_asset_materialized_by_click_shows_its_checks_and_picture(page: Page, api: Api) -> None:
    page.goto(f"{api.address}/asset-groups")
    page.get_by_role("button", name="Hide navigation").click()
    page.get_by_text("mlama", exact=True).first.wait_for()
    page.get_by_text("Materialize all").wait_for()
    page.mouse.click(1000, 200, button="right")  # a corner of the graph that no group covers
    page.get_by_role("menuitem", name="Expand all groups").click()
    page.get_by_text("wikipedia_dump", exact=True).first.wait_for()
    # The UI does not draw what is outside the window: open the graph of one group in a high one.
    page.set_viewport_size({"width": 1720, "height": 1600})
    (code,) = api(REPOSITORIES)["repositoriesOrError"]["nodes"]
    page.goto(f"{api.address}/locations/{code['name']}@{code['location']['name']}/asset-groups/mlama")
    page.locator("foreignObject").get_by_text(ASSET, exact=True).click()
    page.get_by_text("No materializations found").wait_for()
    assert api(EXECUTIONS)["assetCheckExecutions"] == []

    page.get_by_text("Materialize selected").click()
    page.get_by_text("No materializations found").wait_for(state="hidden")
    page.locator("foreignObject").filter(has_text=ASSET).get_by_text("2 / 2 Passed").wait_for()

    page.get_by_text("2 / 2 Passed").first.scroll_into_view_if_needed()
    page.get_by_role("row").filter(has_text="picture").get_by_text("[Show Markdown]").click()
    image = page.get_by_role("dialog").locator("img")
    image.wait_for()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200
    if target := os.environ.get("DOCS_SCREENSHOT"):
        page.wait_for_timeout(2000)  # the dialog fades in
        page.screenshot(path=Path(target))

    runs = api("{ runsOrError(limit: 1) { ... on Runs { results { runId status } } } }")["runsOrError"]
    (run,) = runs["results"]
    assert api.wait(run["runId"]) == "SUCCESS"
    assert api(EXECUTIONS)["assetCheckExecutions"] == [{"status": "SUCCEEDED", "runId": run["runId"]}]
