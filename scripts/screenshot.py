"""Take the README's picture of the demo twin's report: ``make demo``, then ``python scripts/screenshot.py``.

Needs Chromium and the extra ``test`` (Playwright, Pillow).
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports" / "47-96-0-0-5-20-1" / "en.html"
PICTURE = ROOT / "docs" / "images" / "report.png"
SEEN, SHOWN, COLOURS = (1280, 1380), (960, 1035), 128


def main() -> None:
    """Open the page, wait for its maps, keep what a tall screen shows."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SEEN[0], "height": SEEN[1]})
        page.goto(REPORT.as_uri())
        page.wait_for_function("() => window.Bokeh?.documents?.[0]?.is_idle")
        seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    picture = seen.resize(SHOWN, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
