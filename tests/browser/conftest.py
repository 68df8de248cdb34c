"""Chromium for the pages: each test gets a fresh context, and ends by asserting that nothing went wrong unseen."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb --font-render-hinting=none"""
INSIDE = ("file:", "data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def holding() -> ModuleType:
    path = Path(__file__).parents[1] / "report" / "holding.py"
    spec = importlib.util.spec_from_file_location("holding_of_browser_tests", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reports(holding: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    from agritwin import report

    root = tmp_path_factory.mktemp("reports")
    twin = report.load(name="La Prueba", **holding.make(root))
    return {code: report.write(twin, root / f"{code}.html", code).as_uri() for code in ("es", "en")}


@pytest.fixture(scope="session")
def served(holding: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an app that serves the holding; stopped by its own handle."""
    root = tmp_path_factory.mktemp("workspace")
    holding.make(root)
    (root / "config").mkdir()
    (root / "config" / "config.yaml").touch()
    (root / "Snakefile").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from agritwin.app import serve; serve(port={port})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen) -> None:
    for _ in range(120):
        assert process.poll() is None, "the server ended before it answered"
        try:
            urllib.request.urlopen(f"{address}/absent", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server did not answer within a minute")


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Script of axe-core, which judges accessibility; comes from the npm package of that name."""
    path = os.environ.get("AXE_CORE_JS")
    if not path or not Path(path).is_file():
        pytest.skip("AXE_CORE_JS names no axe.min.js (npm package axe-core)")
    return Path(path).read_text(encoding="utf-8")


@pytest.fixture
def complaints(axe: str) -> Callable:
    """What axe-core complains about on a page: rule to the first places."""

    def judge(page) -> dict[str, list]:
        page.evaluate(axe)
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
        found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
        return {fault["id"]: [node["target"] for node in fault["nodes"]][:3] for fault in found}

    return judge


@pytest.fixture
def visit(chromium) -> Iterator[Callable]:
    """Open an address; at the end there is no console error, no page error, no request outside, none failed."""
    faults, contexts = [], []

    def open_page(address: str, width: int = 1280, **options):
        offline = address.startswith("file:")
        context = chromium.new_context(viewport={"width": width, "height": 900}, offline=offline, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
        page.on("request", lambda request: None if request.url.startswith(INSIDE) else faults.append(request.url))
        page.goto(address)
        page.wait_for_function("() => window.Bokeh?.documents?.[0]?.is_idle ?? !document.querySelector('.picture')")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
