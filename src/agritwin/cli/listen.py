"""Listen to the sensors, or take in what their loggers have written."""

import contextlib
import datetime as dt
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import typer

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import ConfigError
from agritwin.settings import Listen, Settings

if TYPE_CHECKING:
    from agritwin.sensors.mqtt import Broker

DEMO_PORT = 18_830
RASTERS = (".nc", ".zarr")


@app.command()
@sentence
def listen(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV or JSON lines, or rain in time (Zarr, NetCDF); without any, the broker."),
    ] = None,
    twin: Annotated[str | None, typer.Option(help="Twin of files that name none.")] = None,
    registry: Annotated[Path | None, typer.Option(help="Which topic or column is which sensor.")] = None,
    demo_broker: Annotated[
        bool, typer.Option("--demo-broker", help="Run a broker here and replay the archive's synthetic logger.")
    ] = False,
    hours_per_second: Annotated[float, typer.Option(min=0.1, help="Speed of the replay.")] = 10.0,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; default: when told to.")] = None,
) -> None:
    """Store what sensors say: from the broker of the configuration, or from files."""
    from agritwin.products.records import open_records

    root = workspace.enter()
    twins = config.load(root / workspace.CONFIG)
    engine = open_records()
    if files:
        _take_in(engine, files, twins, registry, twin)
        return
    about = _broker(twins)
    stop = threading.Event()
    with _until_told(stop, seconds):
        if demo_broker:
            _demo(engine, about, registry, twins, stop, hours_per_second)
        else:
            _listen(engine, about, registry, twins, stop, time.time)


def _broker(twins: dict[str, Settings]) -> Listen:
    stated = {settings.listen.model_dump_json(): settings.listen for settings in twins.values()}
    if len(stated) != 1:
        raise ConfigError("The twins name different brokers.", "State 'listen' once, in config/config.yaml.")
    return next(iter(stated.values()))


@contextlib.contextmanager
def _until_told(stop: threading.Event, seconds: float | None) -> Iterator[None]:
    """Have the event set by a signal or when the time is up."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(seconds, stop.set) if seconds is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        stop.set()
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(
    engine: sa.Engine,
    about: Listen,
    registry: Path | None,
    twins: dict[str, Settings],
    stop: threading.Event,
    now: Callable[[], float],
    on_ready: Callable[[], None] | None = None,
) -> None:
    from agritwin.sensors.gaps import missing_messages
    from agritwin.sensors.listener import Batch, Totals
    from agritwin.sensors.listener import listen as listen_to
    from agritwin.sensors.registry import load_registry

    known = load_registry(registry or about.registry or _missing())
    broker = _address(about)
    so_far = Totals()
    console.print(f"Listening to {about.host}:{about.port}, {', '.join(about.topics)}.", highlight=False)
    with console.status("no message yet") as status:

        def show(batch: Batch) -> None:
            so_far.add(batch)
            status.update(str(so_far))

        told = {"on_batch": show, "on_ready": on_ready}
        totals = listen_to(broker, known, engine, list(twins), now=now, stop=stop, **told)
    console.print(str(totals), highlight=False)
    if missing := sum(missing_messages(engine)["missing"].tolist()):
        console.print(f"{missing} messages are missing; see: agritwin records gaps", highlight=False)


def _address(about: Listen) -> "Broker":
    from agritwin.sensors.mqtt import Broker

    return Broker(**about.model_dump(exclude={"registry", "topics"}), topics=tuple(about.topics))


def _missing() -> Path:
    raise ConfigError("No registry says which topic is which sensor.", "State listen.registry, or give --registry.")


def _demo(
    engine: sa.Engine,
    about: Listen,
    registry: Path | None,
    twins: dict[str, Settings],
    stop: threading.Event,
    hours_per_second: float,
) -> None:
    from agritwin.sensors.demo import Replay
    from agritwin.sensors.demo import demo_broker as broker

    as_of = dt.date.fromisoformat(workspace.read_json(workspace.ARCHIVE / "archive.json")["as_of"])
    midnight = dt.datetime.combine(as_of, dt.time(), dt.UTC)
    replay = Replay(workspace.ARCHIVE / "holding" / "sensors.csv", midnight, hours_per_second)
    here = about.model_copy(update={"host": "127.0.0.1", "port": DEMO_PORT, "protocol": "3.1.1", "ca": None})
    console.print("The readings are synthetic: the archive's logger is replayed.", highlight=False)
    ready = threading.Event()

    def send() -> None:
        ready.wait()
        replay.send(DEMO_PORT, stop)
        stop.wait(1.0)  # for the last messages to arrive
        stop.set()

    with broker(DEMO_PORT):
        sender = threading.Thread(target=send)
        sender.start()
        try:
            _listen(engine, here, registry, twins, stop, replay.now, ready.set)
        finally:
            stop.set()
            ready.set()
            sender.join(20)


def _take_in(
    engine: sa.Engine, files: list[Path], twins: dict[str, Settings], registry: Path | None, twin: str | None
) -> None:
    from agritwin.sensors.ingest import ingest
    from agritwin.sensors.registry import load_registry

    if twin:
        config.choose(list(twins), twin)
    if rasters := [path for path in files if path.suffix in RASTERS]:
        _take_in_rain(engine, rasters, twin)
    files = [path for path in files if path not in rasters]
    if not files:
        return
    stated = registry or next((settings.records.sensor_registry for settings in twins.values()), None)
    known = load_registry(stated or _missing())
    tomorrow = dt.date.today() + dt.timedelta(days=1)
    for path in files:
        console.print(str(ingest(engine, path, known, list(twins), tomorrow, landed_for=twin)), highlight=False)


def _take_in_rain(engine: sa.Engine, files: list[Path], twin: str | None) -> None:
    """Store the rain that rasters have over a twin's land and what drains to it."""
    from shapely.geometry import shape

    from agritwin.pins import open_or_none
    from agritwin.products.rain_rasters import catchment_cells
    from agritwin.sensors.rain_raster import read_rain_raster, store_rain

    if not twin:
        raise ConfigError("A raster of rain does not say for which twin it is.", "Give --twin.")
    pointer = Path(f"data/cubes/terrain/{twin}.json")
    terrain = open_or_none(pointer) if pointer.is_file() else None
    places = catchment_cells(shape(config.outlines(workspace.CONFIG)[twin]), terrain)
    for path in files:
        console.print(store_rain(engine, twin, read_rain_raster(path), places), highlight=False)
