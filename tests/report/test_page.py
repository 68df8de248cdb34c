import json
import re
import shutil
from html.parser import HTMLParser

import holding
import pytest
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document

from agritwin import report
from agritwin.report import offline
from agritwin.report.page import build, document, environment, variables
from agritwin.report.sections import danger, green
from agritwin.report.sections.what_if import _plans
from agritwin.views.blocks import Absent, Columns, Table, Tabs, Text, Tiles
from agritwin.views.language import UNKNOWN, language

SECTIONS = ["map", "weather", "ndvi", "crop", "forecast", "yield", "flood", "records", "alerts", "provenance"]


class Structure(HTMLParser):
    """Headings, ids, and what the page says outside scripts and styles."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.headings, self.language, self.words, self.links, self._inside = [], [], None, [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self._inside = tag
        self.ids += [attributes["id"]] if attributes.get("id") else []
        self.headings += [tag] if tag in {"h1", "h2", "h3"} else []
        self.links += [attributes["href"]] if tag == "a" else []
        self.language = attributes["lang"] if tag == "html" else self.language

    def handle_data(self, data):
        if self._inside not in {"script", "style"}:
            self.words.append(data)

    def handle_endtag(self, tag):
        self._inside = ""

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words).replace("\u00a0", " "))


def body(page):
    """The page without its figures: quick to make, all its words are there."""
    template = environment().get_template("page.html.jinja")
    return template.render(variables(page, {}), slot=lambda name: "", library="", figures="")


def blocks(page):
    def inside(found):
        for block in found:
            yield block
            if isinstance(block, Tabs):
                for _, part in block.panels:
                    yield from inside(part)
            elif isinstance(block, Columns):
                for stack in block.stacks:
                    yield from inside(stack)

    for section in page.sections:
        yield from inside(section.blocks)


@pytest.fixture(scope="session")
def pages(paths):
    twin = report.load(name="La Prueba", **paths)
    return {code: document(build(twin, code)) for code in ("es", "en")}


@pytest.mark.parametrize("code", ["es", "en"])
def test_the_page_has_its_language_title_and_sections_in_order(pages, code):
    found = Structure(pages[code])
    assert found.language == code
    assert [name for name in found.ids if name in SECTIONS] == SECTIONS
    assert found.headings[0] == "h1"
    assert found.headings.count("h1") == 1
    assert len(found.ids) == len(set(found.ids))


@pytest.mark.parametrize("code", ["es", "en"])
def test_the_page_fetches_nothing_and_is_small_enough_to_be_sent(pages, code):
    assert offline.fetched(pages[code]) == []
    assert len(pages[code].encode()) < 5_000_000


def test_numbers_and_dates_are_written_as_the_language_writes_them(pages):
    spanish, english = Structure(pages["es"]).text, Structure(pages["en"]).text
    assert "6,75 ha" in spanish
    assert "15 jun 2025" in spanish
    assert "DATOS SINTÉTICOS" in spanish
    assert "6.75 ha" in english
    assert "15 Jun 2025" in english
    assert "SYNTHETIC DATA" in english


def test_the_head_names_what_else_is_as_dangerous_the_likelier_first():
    rules = (("flood", 0.5), ("drought", 0.9), ("heavy_rain", 0.7), ("heavy_rain", 0.6))
    rows = [{"rule": rule, "level": "serious", "probability": chance} for rule, chance in rules]
    rows.append({"rule": "frost", "level": "low", "probability": 1.0})
    _, sentence, state = danger.overall({"level": "serious", "judgements": rows}, "Europe/Madrid", language("es"))
    assert state == "serious"
    assert sentence.endswith("También de este nivel: lluvia intensa, inundación.")
    alone = {"level": "serious", "judgements": [row for row in rows if row["rule"] in ("drought", "frost")]}
    assert "También" not in danger.overall(alone, "Europe/Madrid", language("es"))[1]


def test_a_danger_of_hours_says_until_which_hour_by_the_clock_of_the_parcel():
    flood = {"rule": "flood", "valid_until": "2025-06-18T22:30:00+00:00"}
    assert danger.end(flood, "Europe/Madrid", language("es")) == "19\u00a0jun\u00a02025, 00:30"
    assert danger.end(flood | {"rule": "drought"}, "Europe/Madrid", language("es")) == "18\u00a0jun\u00a02025"
    assert danger.end({"rule": "flood"}, "Europe/Madrid", language("es")) == language("es").date(None)


def test_level_and_reason_come_from_the_judgement_in_the_language_of_the_page(pages):
    assert "Cinco miembros llegan a 1,05. Vigente hasta el 18 jun 2025." in Structure(pages["es"]).text
    assert "Five members reach 1.05. Valid until 18 Jun 2025." in Structure(pages["en"]).text


def test_each_language_links_to_the_other_and_to_the_executed_notebooks(pages):
    links = Structure(pages["es"]).links
    assert "en.html" in links
    executed = {f"../../logs/{holding.TWIN}/{name}.ipynb" for name in ("70_crop", "84_health", "85_alerts")}
    assert executed <= set(links)


@pytest.mark.parametrize(
    ("product", "change", "before", "after"),
    [
        ("weather", {"season": {"start": "2024-11-01", "days": 226, "precipitation_mm": 77.7}}, "231 mm", "78 mm"),
        ("weather", {"missing_days": 5}, "224 of 226 days", "221 of 226 days"),
        ("ndvi", {"last": {"time": "2025-06-03", "mean": 0.33, "valid_share": 0.71}}, "98 % seen", "71 % seen"),
        (
            "crop",
            {"summary": {"advice": {"mm": 23.0, "probability": 0.6, "days": 5}}},
            "Irrigate 18 mm",
            "Irrigate 23 mm",
        ),
        (
            "crop",
            {"summary": {"advice": {"mm": 42.0, "probability": 1.0, "days": 7, "left_short": 0.9}}},
            "Irrigate 18 mm",
            "in 90 % of the members the crop stays short",
        ),
        (
            "crop",
            {"summary": {"advice": {"mm": 0.3, "probability": 0.51, "days": 7}}},
            "Irrigate 18 mm",
            "No irrigation is advised over the next 7 days (probability that it is needed: 51 %)",
        ),
        ("crop", {"summary": {"raw_mm": 154.0}}, "110 % of RAW", "50 % of RAW"),
        ("crop", {"summary": {"raw_mm": 0.0}}, "110 % of RAW", "Nothing grows there now; the soil lacks 77 mm."),
        ("crop", {"summary": {"stage": "stage_3"}}, "Stage today: Leaf out.", "Stage today: Kernel filling (III)."),
        ("parcel", {"planting": {"species": "wheat"}}, "FAO-56 water balance on", "by WOFOST 7.2 on the season"),
        (
            "crop",
            {"summary": {"marks": {"given": 3, "published": 21, "excerpt": 4, "prior": 31}}},
            "Stage today",
            "31 priors that nobody has calibrated here",
        ),
        (
            "crop",
            {
                "summary": {
                    "start_assumed": True,
                    "outlook": {
                        "stages": [
                            {"stage": "ripeness", "day": "2025-07-24", "p10": "2025-07-20", "p90": "2025-07-30"}
                        ],
                    },
                }
            },
            "5 Apr 2025",
            "24 Jul 2025",
        ),
        (
            "crop",
            {"summary": {"outlook": {"yield_dry_matter_kg_per_ha": {"p10": 5230.0, "p50": 6277.0, "p90": 7484.0}}}},
            "Stage today",
            "weigh 6,277 kg/ha dry (5,230 kg/ha to 7,484 kg/ha)",
        ),
        ("flood", {"summary": {"depth_max_m": 1.25}}, "reaches 0.60 m", "reaches 1.25 m"),
        ("flood", {"summary": {"mass_error_relative": 0.02}}, "The mass balance closes", "does not close"),
        ("yields", {"outcome": "gain"}, "No model beats", "The model beats"),
        ("records", {"counts": {"quarantine": 7}}, "1 of 3 rows", "1 of 7 rows"),
        ("alerts", {"level": "none", "judgements": []}, "Five members reach", "None of the 0 rules"),
        ("parcel", {"area_ha": 9.99}, "6.75 ha", "9.99 ha"),
    ],
)
def test_a_changed_number_changes_the_page(tmp_path, paths, pages, product, change, before, after):
    twin = report.load(name="La Prueba", **holding.changed(paths, tmp_path, product, change))
    assert before in Structure(pages["en"]).text
    assert after in Structure(body(build(twin, "en"))).text


@pytest.mark.parametrize("name", [*holding.PRODUCTS, "terrain", "ndvi_pin", "weather_pin", "outline"])
def test_the_page_builds_without_any_one_of_its_inputs_and_says_so(paths, name):
    page = build(report.load(**{key: path for key, path in paths.items() if key != name}), "es")
    missing = [block for block in blocks(page) if isinstance(block, Absent)]
    assert missing
    assert all(block.reason for block in missing)
    assert offline.fetched(body(page)) == []


def test_a_forecast_that_is_not_there_is_told(paths, tmp_path):
    bad = holding.changed(paths, tmp_path, "weather", {"forecast": None})
    assert "No hay predicción meteorológica." in Structure(body(build(report.load(**bad), "es"))).text


def test_the_page_builds_with_nothing_at_all():
    page = build(report.load(), "en")
    assert page.plots == []
    assert not page.synthetic
    assert "SYNTHETIC DATA" not in Structure(document(page)).text


def test_every_absence_gives_a_reason_and_every_table_is_rectangular(twin):
    for code in ("es", "en"):
        for block in blocks(build(twin, code)):
            if isinstance(block, Table):
                assert all(len(row) == len(block.header) for row in block.rows)
                assert not block.marks or len(block.marks) == len(block.rows)
            elif isinstance(block, Absent | Text):
                assert (block.reason if isinstance(block, Absent) else block.text).strip()
            elif isinstance(block, Tiles):
                assert all(tile.label and tile.value for tile in block.tiles)


def test_names_of_plots_are_unique_and_their_summaries_say_something(twin):
    plots = build(twin, "es").plots
    assert len({plot.name for plot in plots}) == len(plots) > 9
    assert all(len(plot.summary) > 20 for plot in plots)


def test_what_legends_and_controls_name_is_there_once(twin):
    plots = build(twin, "es").plots
    names = [model.name for plot in plots for model in plot.figure.references() if model.name]
    wanted = [key.name for plot in plots for key in plot.keys]
    wanted += [control.script for plot in plots for control in plot.controls]
    wanted += [f"figure-{plot.name}" for plot in plots]
    assert {name: names.count(name) for name in wanted} == dict.fromkeys(wanted, 1)
    assert len(wanted) == len(set(wanted))


def test_markup_in_data_is_shown_and_never_run(paths, tmp_path):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    quarantine = [{"file": evil, "row": 1, "column": evil, "value": evil, "reason": evil, "suggestion": evil}]
    bad = holding.changed(paths, tmp_path, "records", {"quarantine": quarantine})
    bad = holding.changed(bad, tmp_path, "parcel", {"note": evil})
    html = document(build(report.load(name=evil, **bad), "es"))
    assert "<script>alert(1)" not in html
    assert "<img src=x" not in html
    assert offline.fetched(html) == []


def test_the_file_is_written_whole(twin, tmp_path):
    path = report.write(twin, tmp_path / "reports" / "es.html", language="es")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [file.name for file in path.parent.iterdir()] == ["es.html"]


def test_a_stale_source_is_greyed(twin):
    table = next(block for block in blocks(build(twin, "es")) if isinstance(block, Table) and "Salud" in block.caption)
    assert dict(zip((row[0] for row in table.rows), table.marks, strict=True)) == {
        "Tiempo": "good",
        "Imágenes": "stale",
    }


@pytest.mark.parametrize(("code", "found"), [
    ("es", ("41,0 mm en 24 h hasta el 14 jun 2025 a las 21:45 UTC.", "30,8 mm", "menos de 1 vez en 10 años", "Medio")),
    ("en", ("41.0 mm in 24 h up to 14 Jun 2025, 21:45 UTC.", "say 30.8 mm", "rarer than once in 10 years", "Medium")),
])  # fmt: skip
def test_what_a_gauge_measured_stands_beside_the_weather_and_the_thresholds(twin, pages, code, found):
    text = Structure(pages[code]).text
    assert all(part in text.replace("\u00a0", " ") for part in found), found
    (plot,) = [block for block in blocks(build(twin, code)) if getattr(block, "name", "") == "gauge-0"]
    begins = plot.figure.select_one({"name": "gauge-0-mid"}).data_source.data
    assert dict(zip(begins["duration"], begins["threshold"], strict=True)) == {"1\u00a0h": 30.0, "24\u00a0h": 40.0}
    assert list(plot.figure.select_one({"name": "gauge-0-rare"}).data_source.data["rare"])[1:] == [14, 22, 30]


def test_a_day_without_gauges_says_so(paths, tmp_path):
    twin = report.load(name="La Prueba", **holding.changed(paths, tmp_path, "alerts", {"measured_rain": []}))
    assert "No rain gauge has sent readings in the last day." in Structure(body(build(twin, "en"))).text


@pytest.fixture
def journal(paths, tmp_path):
    """Paths of the holding with a journal beside it."""
    outline = tmp_path / "twins" / "one" / "parcel.geojson"
    outline.parent.mkdir(parents=True)
    shutil.copy(paths["outline"], outline)
    line = {"time": "2025-06-15T04:30:00+00:00", "as_of": "2025-06-15", "kind": "weather", "place": "weather",
            "source": "open_meteo", "requests": 2, "bytes": 24_600, "items": 24, "gaps": 1, "seconds": 1.27,
            "failure": None}  # fmt: skip
    lines = [
        line | {"time": "2025-06-14T04:30:00+00:00", "as_of": "2025-06-14", "items": 48},
        line,
        line | {"source": "aemet", "failure": "answered 503 <b>", "items": None},
        line | {"kind": "imagery", "place": holding.TWIN, "source": "earth_search", "items": 0},
        line | {"source": "later", "as_of": "2025-06-16"},
        line | {"source": "elsewhere", "place": "another"},
    ]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return paths | {"outline": str(outline)}


@pytest.mark.parametrize(
    ("code", "caption", "amounts"),
    [
        ("es", "Última descarga de cada fuente", ("24,6\u00a0kB", "1,3\u00a0s")),
        ("en", "Last fetch of each source", ("24.6\u00a0kB", "1.3\u00a0s")),
    ],
)
def test_the_health_of_data_tells_the_last_fetch_of_each_source(journal, code, caption, amounts):
    page = build(report.load(**journal), code)
    table = next(block for block in blocks(page) if isinstance(block, Table) and block.caption == caption)
    assert [row[1] for row in table.rows] == ["Open-Meteo", "AEMET", "Earth Search"]
    assert table.rows[0][3:] == ("24", *amounts, "1", "–")
    assert table.rows[0][2].endswith("06:30"), "the time of the parcel"
    assert table.rows[1][3] == UNKNOWN
    assert table.marks == ("good", "stale", "good")
    html = document(page)
    assert "answered 503 &lt;b&gt;" in html
    assert "answered 503 <b>" not in html


def test_without_a_journal_nothing_is_told_of_fetches(pages):
    assert "Última descarga" not in pages["es"]


COMPARED = {"outcome": "compared", "day": "2025-06-08", "value": 0.5, "median": 0.4, "rank": 2 / 3, "neighbours": 3}


@pytest.mark.parametrize(
    ("found", "spanish", "english"),
    [
        (COMPARED, "la mediana de ellas 0,40; más verde que el 67", "their median 0.40; greener than 67"),
        ({"outcome": "no_neighbour"}, "No hay ninguna parcela vecina", "There is no neighbouring parcel"),
        ({"outcome": "too_few"}, "menos de tres parcelas vecinas", "fewer than three neighbouring parcels"),
    ],
)
def test_the_parcel_is_told_how_it_stands_among_its_neighbours(paths, tmp_path, found, spanish, english):
    twin = report.load(**holding.changed(paths, tmp_path, "ndvi", {"neighbours": found}))
    for code, words in (("es", spanish), ("en", english)):
        section = green.build(twin, language(code))
        assert any(words in block.text for block in section.blocks if isinstance(block, Text))


def test_bokeh_finds_no_mistake_in_any_figure(twin):
    """As the page is written nobody looks: columns that are missing, ranges and scales that do not fit."""
    together = Document()
    for plot in build(twin, "es").plots:
        together.add_root(plot.figure)
    found = check_integrity(together.models)
    assert not found.error
    assert not found.warning


@pytest.mark.parametrize(
    ("plan", "said"),
    [("optimised", "Best use found of 60"), ("refill", "No use of 60")],
    ids=["found", "nothing better"],
)
def test_a_plan_for_the_water_says_what_it_is_compared_with(plan: str, said: str) -> None:
    rows = [{"plan": name, "relative_yield": 0.5, "irrigation": 60.0} for name in ("none", "refill", "optimised")]
    allocation = {"budget_mm": 60.0, "plan": plan, "stage_shares": [1, 1, 1], "judged_apart": True}
    table = _plans(allocation | {"counterfactuals": rows}, language("en"))
    assert table.caption.startswith(said)
    assert table.caption.endswith("judged on other years than those it was sought on.")
    assert [row[0] for row in table.rows] == [
        "No irrigation", "Refilled when trees begin to suffer, until it is spent", "As found",
    ]  # fmt: skip
    assert [mark for mark, row in zip(table.marks, rows, strict=True) if row["plan"] == plan] == ["good"]
