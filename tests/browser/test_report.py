import pytest

IMAGE = (
    """name => Array.from(Bokeh.documents[0].get_model_by_name(name).data_source.data.image[0]).slice(0, 400).join()"""
)


@pytest.mark.parametrize("code", ["es", "en"])
def test_the_report_opens_without_network_and_draws_every_plot(reports, visit, code):
    page = visit(reports[code])
    assert page.evaluate("document.documentElement.lang") == code
    assert page.title().startswith("La Prueba")
    assert page.locator("h1").inner_text() == "La Prueba"
    roots = page.evaluate("Bokeh.documents[0].roots().length")
    assert roots == page.locator("figure.plot").count() > 9
    assert page.locator("figure.plot canvas").count() >= 2


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_never_scrolls_sideways(reports, visit, width):
    page = visit(reports["es"], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_ndvi_slider_moves_by_keyboard_and_swaps_the_scene(reports, visit):
    page = visit(reports["es"])
    slider = page.locator("#plot-ndvi-map input[type=range]")
    before, said = page.evaluate(IMAGE, "ndvi-map-image"), slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(IMAGE, "ndvi-map-image") != before
    assert slider.get_attribute("aria-valuetext") != said
    assert page.locator("#plot-ndvi-map output").inner_text() == slider.get_attribute("aria-valuetext")
    page.locator("#plot-ndvi-map [data-step='1']").click()
    assert page.evaluate(IMAGE, "ndvi-map-image") == before


def test_the_flood_plays_to_its_end_and_stops(reports, visit):
    page = visit(reports["es"])
    figure = page.locator("#plot-flood-map")
    figure.locator(".play").click()
    assert figure.locator(".play").get_attribute("aria-pressed") == "true"
    page.wait_for_function("() => document.querySelector('#plot-flood-map output').textContent.startsWith('6')")
    page.wait_for_function("() => document.querySelector('#plot-flood-map .play').ariaPressed == 'false'")


def test_a_layer_is_chosen_with_its_legend(reports, visit):
    page = visit(reports["es"])
    visible = (
        "() => Bokeh.documents[0].get_model_by_name('figure-map').renderers.filter(r => r.visible).map(r => r.name)"
    )
    assert page.evaluate(visible) == ["hillshade", "layer-0", "outline"]
    page.locator("#plot-map label", has_text="Pendiente").click()
    assert page.evaluate(visible) == ["hillshade", "layer-1", "outline"]
    shown = page.locator("#plot-map .ramp:not([hidden])")
    assert shown.count() == 1
    assert "Pendiente (%)" in shown.inner_text()


def test_tabs_follow_pointer_and_arrow_keys(reports, visit):
    page = visit(reports["es"])
    tabs = page.locator("#weather-tabs")
    tabs.get_by_role("tab", name="Temperatura").click()
    page.locator("#plot-temperature canvas").first.wait_for(state="visible")
    assert page.locator("#plot-rain").is_hidden()
    page.keyboard.press("ArrowRight")
    page.locator("#plot-rain-ahead canvas").first.wait_for(state="visible")
    page.keyboard.press("Home")
    assert page.locator("#plot-rain").is_visible()


def test_a_legend_entry_hides_what_it_names(reports, visit):
    page = visit(reports["es"])
    band = "() => Bokeh.documents[0].get_model_by_name('rain-band').visible"
    key = page.locator("#plot-rain [data-shows='rain-band']")
    assert page.evaluate(band) is True
    key.click()
    assert page.evaluate(band) is False
    assert key.get_attribute("aria-pressed") == "false"


def test_the_data_behind_a_plot_can_be_saved(reports, visit, tmp_path):
    page = visit(reports["en"])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the data as CSV: Accumulated rain").click()
    path = tmp_path / "rain.csv"
    waiting.value.save_as(path)
    header, first, *rest = path.read_text().splitlines()
    assert header.split(",")[:2] == ["day", "total"]
    assert first.startswith("2024-11-01,")
    assert len(rest) > 200


def test_links_between_the_languages_work(reports, visit):
    page = visit(reports["es"])
    page.get_by_role("link", name="English").first.click()
    page.wait_for_function("() => document.documentElement.lang == 'en'")


def test_paper_shows_hidden_tabs_and_folded_tables(reports, visit, tmp_path):
    page = visit(reports["es"])
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("#plot-temperature").is_visible()
    assert page.locator("nav").is_hidden()


@pytest.mark.parametrize("code", ["es", "en"])
def test_axe_finds_nothing_to_complain_about(reports, visit, complaints, code):
    assert complaints(visit(reports[code])) == {}
