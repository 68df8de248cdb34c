"""Answer the questions of the intake: lines in quarantine, mappings that were proposed, spellings of products."""

import datetime as dt
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import sqlalchemy as sa
import typer
import yaml
from rich.table import Table

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import DataError

if TYPE_CHECKING:
    from agritwin.holding.intake import IntakeReport
    from agritwin.holding.mapping import HarvestUnit

records = typer.Typer(no_args_is_help=True, help="Quarantine, mappings and products of what the holding sent.")
mapping = typer.Typer(no_args_is_help=True, help="How files are read: proposed from headers, confirmed once, kept.")
products = typer.Typer(no_args_is_help=True, help="Spellings of products, grouped for review.")
app.add_typer(records, name="records")
records.add_typer(mapping, name="mapping")
records.add_typer(products, name="products")

MAPPINGS = workspace.CONFIG / "mappings"


def open_store() -> tuple[Path, sa.Engine, dict[str, config.Settings]]:
    """Return the workspace, its record store and the settings of its twins."""
    from agritwin.products.records import open_records

    root = workspace.enter()
    return root, open_records(), config.load(root / workspace.CONFIG)


def one_twin(twins: dict[str, config.Settings], twin: str) -> str:
    """Return the id of a twin that is there.

    Raises
    ------
    ConfigError, DataError
        When there is none of that id, or several are named.
    """
    chosen = config.choose(list(twins), twin)
    if len(chosen) != 1:
        raise DataError(f"{twin!r} names {len(chosen)} twins.", f"Give one of {', '.join(chosen)}.")
    return chosen[0]


@records.command()
@sentence
def take(
    twin: Annotated[str, typer.Argument(help="Id of the twin for which the files were sent.")],
    files: Annotated[list[Path], typer.Argument(help="Workbooks, csv, json or geojson.")],
) -> None:
    """Take files in at once, and keep them among those of the twin; later runs find nothing new in them."""
    from agritwin.holding.files import put
    from agritwin.products.records import take_in_all

    given = [file.resolve() for file in files]
    _, engine, twins = open_store()
    chosen = one_twin(twins, twin)
    landing, settings = workspace.LANDING / chosen, twins[chosen].records
    landed = {put(file, file.name, landing)[0].sha256 for file in given}
    # All files of the twin, as a run takes them: what is there already costs a look at its hash.
    documents = [*map(str, settings.files), *sorted(str(path) for path in landing.glob("*") if path.is_file())]
    mappings = sorted(map(str, MAPPINGS.glob("*.yaml")))
    day = dt.date.fromisoformat(workspace.recorded_clock() or dt.date.today().isoformat())
    found = take_in_all(engine, chosen, sorted(twins), documents, mappings, day, settings.harvest_unit)
    reports, unreadable = [report for report in found[0] if report.sha256 in landed], found[1]
    _tell(reports)
    for one in unreadable:
        console.print(f"{one['reason']} {one['suggestion']}", highlight=False)
    if unreadable or any(report.rejected or report.questions for report in reports):
        console.print(f"See: agritwin records quarantine {chosen}", highlight=False)


@records.command()
@sentence
def quarantine(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    export: Annotated[Path | None, typer.Option(help="Write the rejected lines into this workbook (xlsx).")] = None,
    language: Annotated[Literal["es", "en"] | None, typer.Option(help="Default: that of the twin.")] = None,
) -> None:
    """Show every line that was not loaded and why; export them to be corrected."""
    from agritwin.holding.corrections import export_quarantine
    from agritwin.holding.sentences import say
    from agritwin.records import queries

    _, engine, twins = open_store()
    settings = twins[one_twin(twins, twin)]
    chosen = language or settings.language
    if export is not None:
        count = export_quarantine(engine, workspace.RAW, twin, export, chosen)
        console.print(f"{count} lines in {export}. Fill in the column in yellow, then:", highlight=False)
        console.print(f"agritwin records resubmit {export}", highlight=False)
        return
    held = queries.quarantine(engine, twin).astype(object)
    for row in held.where(held.notna(), None).to_dict("records"):
        row_number = None if row["row"] is None else f"row {int(row['row'])}"
        column = None if row["column"] is None else f"column {row['column']}"
        where = ", ".join(str(say(part, chosen)) for part in (row["file"], row["sheet"], row_number, column) if part)
        value = "" if row["value"] is None else f" {row['value']!r}"
        told = f"{say(row['reason'], chosen)} {say(row['suggestion'], chosen)}"
        console.print(f"{say(row['kind'], chosen)}: {where}:{value} {told}", highlight=False)
    if held.empty:
        console.print(say(f"Nothing of {twin} is in quarantine.", chosen), highlight=False)


@records.command()
@sentence
def resubmit(file: Annotated[Path, typer.Argument(help="The exported workbook, filled in.")]) -> None:
    """Take corrected lines in; the same workbook again changes nothing."""
    from agritwin.holding.mapping import load_mappings
    from agritwin.holding.resubmission import resubmit as take

    given = file.resolve()
    _, engine, twins = open_store()
    reports = take(engine, list(twins), given, load_mappings(MAPPINGS), workspace.RAW, _units(twins))
    if not reports:
        raise DataError(f"{file} holds no correction.", "Fill in the column in yellow.")
    _keep(engine, given)
    _tell(reports)


def _units(twins: dict[str, config.Settings]) -> "dict[str, HarvestUnit | None]":
    return {twin: settings.records.harvest_unit for twin, settings in twins.items()}


def _keep(engine: sa.Engine, file: Path) -> None:
    """Put the workbook where the files that it corrects were dropped, so that the next run reads it too."""
    from agritwin.holding.corrections import read_corrections
    from agritwin.records import queries

    journal = queries.journal(engine)
    concerned = journal.loc[journal["sha256"].isin(list(read_corrections(file))), "landed_for"]
    name = f"corrections-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}.xlsx"
    for twin in sorted(set(concerned) - {""}):
        target = workspace.LANDING / twin / name
        if not target.exists():
            with workspace.aside(target) as temporary:
                shutil.copyfile(file, temporary)


def _tell(reports: "list[IntakeReport]") -> None:
    for report in reports:
        counts = f"{report.rows_in} lines, {report.accepted} new, {report.known} known, {report.rejected} rejected"
        console.print(f"{report.file}: {counts}, {report.questions} questions.", highlight=False)


@records.command()
@sentence
def notebook(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    year: Annotated[int, typer.Argument(help="Calendar year.")],
    file: Annotated[Path, typer.Argument(help="xlsx, xml or json.")],
    holder: Annotated[str | None, typer.Option(help="Name of the holder.")] = None,
    tax_number: Annotated[str | None, typer.Option(help="The holder's NIF.")] = None,
    register: Annotated[str | None, typer.Option(help="Number of the holding: ES and 12 digits.")] = None,
    address: Annotated[str | None, typer.Option(help="The holder's address.")] = None,
) -> None:
    """Write the field notebook of a year (EU 2023/564, Real Decreto 1311/2012), with what is missing in each record."""
    from agritwin.holding.field_notebook import EPPO, field_notebook, to_json, to_xlsx, to_xml

    given = file.resolve()
    _, engine, twins = open_store()
    settings = twins[one_twin(twins, twin)]
    about = {"name": holder, "tax_number": tax_number, "holding_register": register, "address": address}
    known = {key: value for key, value in about.items() if value}
    day = workspace.recorded_clock() or dt.date.today().isoformat()
    planting, crop, parcel = settings.planting, {}, {"irrigation": settings.irrigation.system}
    if planting.year is None or planting.year <= year:
        crop = {"crop_eppo": EPPO[planting.species]}
        parcel |= {"species": planting.species, "variety": planting.variety}
    found = field_notebook(engine, twin, year, dt.date.fromisoformat(day), known, crop, parcel)
    writers = {".json": lambda one: to_json(one).encode(), ".xml": to_xml, ".xlsx": to_xlsx}
    if given.suffix not in writers:
        raise DataError(f"{file}: notebooks are not written as {given.suffix}.", f"Use {', '.join(writers)}.")
    with workspace.aside(given) as temporary:
        temporary.write_bytes(writers[given.suffix](found))
    lacking = sum(bool(entry["required"]) for entry in found.missing)
    console.print(f"{file}: {len(found.records)} records, {lacking} required fields missing.", highlight=False)


@mapping.command("list")
@sentence
def list_mappings() -> None:
    """Show the mappings that were proposed from headers and that nobody has confirmed."""
    from agritwin.holding.mapping import load_mappings
    from agritwin.holding.resubmission import proposals

    _, engine, _ = open_store()
    found = proposals(engine, load_mappings(MAPPINGS))
    for one in found:
        console.print(f"# {one.sha256[:12]}  {one.file}", highlight=False)
        text = yaml.safe_dump(one.mapping.model_dump(mode="json", exclude_defaults=True), allow_unicode=True)
        console.print(text, highlight=False)
    if not found:
        console.print("Every file was read by a mapping that somebody has confirmed.")


@mapping.command("confirm")
@sentence
def confirm_mapping(
    file: Annotated[str, typer.Argument(help="Name or hash of the file, as the list shows it.")],
    name: Annotated[str | None, typer.Option(help="Who sends such files.")] = None,
    date_order: Annotated[Literal["dmy", "mdy"] | None, typer.Option(help="Order of day and month.")] = None,
    decimal: Annotated[Literal[",", "."] | None, typer.Option(help="Decimal sign.")] = None,
    unit: Annotated[Literal["kg", "t", "kg/ha", "t/ha"] | None, typer.Option(help="Of harvests.")] = None,
    state: Annotated[Literal["wet", "dry"] | None, typer.Option(help="In which harvests were weighed.")] = None,
    dose_unit: Annotated[str | None, typer.Option(help="Of doses that state none.")] = None,
    pairing: Annotated[Literal["same_line", "in_order"] | None, typer.Option(help="Of parcels and weights.")] = None,
    zero: Annotated[
        Literal["nothing_harvested", "not_recorded"] | None, typer.Option(help="What a zero means.")
    ] = None,
    place: Annotated[
        list[str] | None, typer.Option(metavar="NAME=TWIN", help="Which twin a name of a parcel means; repeatable.")
    ] = None,
) -> None:
    """Keep a proposed mapping with the answers to its questions; its files are read anew."""
    from agritwin.holding.mapping import load_mappings
    from agritwin.holding.resubmission import confirm, proposals, read_again

    _, engine, twins = open_store()
    open_ones = proposals(engine, load_mappings(MAPPINGS))
    chosen = [one for one in open_ones if file == one.file or one.sha256.startswith(file)]
    if len(chosen) != 1:
        known = ", ".join(f"{one.file} ({one.sha256[:12]})" for one in open_ones) or "none"
        raise DataError(f"{file!r} names {len(chosen)} proposals.", f"Open ones: {known}.")
    answers = {"date_order": date_order, "decimal": decimal, "unit": unit, "state": state}
    answers |= {"dose_unit": dose_unit, "pairing": pairing, "zero": zero}
    places = {}
    for written in place or ():
        called, _, meant = written.rpartition("=")
        if not called:
            raise DataError(f"{written!r} names no place.", 'Write "NAME=TWIN".')
        places[called.strip()] = one_twin(twins, meant.strip())
    path = confirm(chosen[0], MAPPINGS, name, places, **answers)
    console.print(f"Kept in {path}.", highlight=False)
    kept = load_mappings(MAPPINGS)
    _tell(read_again(engine, list(twins), [chosen[0].sha256], kept, workspace.RAW, _units(twins)))


@products.command("list")
@sentence
def list_products() -> None:
    """Show which spellings are taken for which product, and whether somebody has confirmed it."""
    from agritwin.holding.products import aliases

    _, engine, _ = open_store()
    page = Table("product", "written as", "lines", "alike [%]", "status")
    for row in aliases(engine).to_dict("records"):
        page.add_row(row["product"], row["alias"], str(row["lines"]), f"{row['score']:.0f}", row["status"])
    console.print(page)


@products.command("confirm")
@sentence
def confirm_product(
    written: Annotated[str, typer.Argument(help="Spelling, as the list shows it.")],
    product: Annotated[str, typer.Argument(help="The product that it means.")],
) -> None:
    """Say that a spelling means a product."""
    from agritwin.holding.products import confirm_alias

    _, engine, _ = open_store()
    confirm_alias(engine, written, product)
    console.print(f"{written} is {product}.", highlight=False)
