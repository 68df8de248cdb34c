def test_the_first_page_lists_the_twins_and_leads_to_them(served, visit):
    page = visit(f"{served}/?lang=en")
    assert page.locator("h1").inner_text() == "Digital twins"
    card = page.locator(".parcel")
    assert card.count() == 1
    assert "Five members reach 1.05" in card.inner_text()
    page.locator("#plot-parcels canvas").first.wait_for()
    page.get_by_role("link", name="La Prueba").click()
    page.wait_for_function("() => document.title.startsWith('La Prueba')")


def test_a_twin_s_page_is_the_report_alive(served, visit, holding):
    page = visit(f"{served}/twin?id={holding.TWIN}&lang=es")
    assert page.evaluate("document.documentElement.lang") == "es"
    page.locator("#plot-map canvas").first.wait_for()
    before = page.evaluate(
        "Array.from(Bokeh.documents[0].get_model_by_name('ndvi-map-image').data_source.data.image[0]).join()"
    )
    page.locator("#plot-ndvi-map [data-step='-1']").click()
    after = page.evaluate(
        "Array.from(Bokeh.documents[0].get_model_by_name('ndvi-map-image').data_source.data.image[0]).join()"
    )
    assert before != after
    assert page.locator(".links").count() == 0


def test_sessions_share_nothing(served, visit, holding):
    one, two = (visit(f"{served}/twin?id={holding.TWIN}&lang={code}") for code in ("es", "en"))
    one.locator("#plot-rain [data-shows='rain-band']").click()
    band = "() => Bokeh.documents[0].get_model_by_name('rain-band').visible"
    assert one.evaluate(band) is False
    assert two.evaluate(band) is True


def test_the_app_fits_a_phone(served, visit, holding):
    for address in (served, f"{served}/twin?id={holding.TWIN}"):
        assert visit(address, width=390).evaluate("document.documentElement.scrollWidth") == 390


def test_a_twin_that_is_not_there_is_said_and_its_name_never_run(served, visit):
    page = visit(f"{served}/twin?id=<script>window.evil=1</script>&lang=en")
    assert "There is no twin" in page.locator("h1").inner_text()
    assert page.evaluate("window.evil") is None


def test_axe_finds_nothing_to_complain_about_in_the_app(served, visit, complaints, holding):
    assert complaints(visit(f"{served}/?lang=es")) == {}
    assert complaints(visit(f"{served}/twin?id={holding.TWIN}&lang=en")) == {}
