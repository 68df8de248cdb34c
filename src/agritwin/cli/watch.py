"""Watch the twins, try the watch out with a cloudburst that never was, and read the inbox."""

import contextlib
import datetime as dt
import functools
import logging
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import ConfigError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from agritwin.watch.follow import News

DEMO_PORT = 18_830
PATIENCE_S = 30.0
"""A watch that was started at the same moment on a busy machine may need ten seconds to begin."""
SENT = {"delivered": "sent", "failed": "not sent", "claimed": "perhaps not sent"}
COLOURS = {"none": "green", "low": "yellow", "mid": "dark_orange", "serious": "red"}


@app.command()
@sentence
def watch(
    twin: Annotated[str, typer.Option(help="all, or ids joined by commas.")] = "all",
    listener: Annotated[
        bool, typer.Option("--listener/--no-listener", help="Listen to the broker too, or leave it to another process.")
    ] = True,
    demo_broker: Annotated[bool, typer.Option("--demo-broker", help="Run a broker here, for trying out.")] = False,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; default: when told to.")] = None,
) -> None:
    """Follow readings and forecasts: tell of danger, propose what to do, carry out what was approved."""
    from agritwin.products.records import open_records
    from agritwin.sensors.mqtt import Broker
    from agritwin.sensors.registry import load_registry
    from agritwin.watch.loop import Watch

    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    root = workspace.enter()
    settings = config.load(root / workspace.CONFIG, twin)
    about = next(iter(settings.values())).listen
    broker = registry = None
    here = contextlib.nullcontext
    if listener or demo_broker:
        if about.registry is None:
            raise ConfigError("No registry says which topic is which sensor.", "State listen.registry.")
        own = {"host": "127.0.0.1", "port": DEMO_PORT, "protocol": "3.1.1", "ca": None} if demo_broker else {}
        stated = about.model_copy(update=own)
        broker = Broker(**stated.model_dump(exclude={"registry", "topics"}), topics=tuple(stated.topics))
        registry = load_registry(root / about.registry)
    if demo_broker:
        from agritwin.sensors.demo import demo_broker as run_broker

        here = functools.partial(run_broker, DEMO_PORT)
    stop = threading.Event()
    with _until_told(stop, seconds):
        where = f"{broker.host}:{broker.port}" if broker else "readings that another process stores"
        told = f"Watching {', '.join(settings)}; {where}."
        watched = Watch(open_records(), root, settings, broker, registry, here)
        watched.run(stop, _tell, lambda: console.print(told, highlight=False))


@contextlib.contextmanager
def _until_told(stop: threading.Event, seconds: float | None) -> Iterator[None]:
    """Have the event set by a signal or when the time is up."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    timer = threading.Timer(seconds or 0.0, stop.set)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        stop.set()
        timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(news: "News") -> None:
    from agritwin.alerts.explanation import sentence as explain
    from agritwin.alerts.explanation import title

    judgement = news.judgement
    if judgement.valid_until <= dt.datetime.now(dt.UTC):
        return
    headline = Text(f"{news.twin} {title(judgement, 'en')}.", COLOURS[judgement.level])
    console.print(headline, explain(judgement, "en"), highlight=False)
    if news.told:
        console.print(f"  told: {', '.join(news.told)}", highlight=False)
    if news.command:
        console.print(f"  proposed: command {news.command} (agritwin commands list)", highlight=False)


@app.command("fake-flood")
@sentence
def fake_flood(
    twin: Annotated[str, typer.Argument(help="Id of the twin that it rains on.")],
    mm: Annotated[float, typer.Option(min=0.1, max=1000, help="How much falls.")] = 62.0,
    hours: Annotated[float, typer.Option(min=0.1, max=24, help="In how long.")] = 2.0,
    demo_broker: Annotated[
        bool, typer.Option("--demo-broker", help="Speak to the broker of 'agritwin watch --demo-broker'.")
    ] = False,
) -> None:
    """Publish the rain gauge's messages of a cloudburst, labelled synthetic, and see what the watch makes of them."""
    from agritwin.products.records import open_records
    from agritwin.watch.cloudburst import messages, publish

    root = workspace.enter()
    settings = config.load(root / workspace.CONFIG)
    config.choose(list(settings), twin)
    about = settings[twin].listen
    end = dt.datetime.now(dt.UTC).replace(microsecond=0)
    said = messages(mm, hours, end)
    host, port = ("127.0.0.1", DEMO_PORT) if demo_broker else (about.host, about.port)
    engine = open_records()
    before = _told_of(engine, twin)
    with publish(twin, said, host, port) as sent:
        console.print(f"{len(said)} synthetic messages of {mm:g} mm in {hours:g} h went out.", highlight=False)
        _await_looks(engine, twin, said, sent)
    found, words = _told_of(engine, twin), f"{time.time() - sent:.1f} s after the last message"
    fresh = {key: row for key, row in found.items() if key not in before}
    if fresh:
        console.print(f"Told {words}:", highlight=False)
    elif found:
        console.print(f"Looked at {words}: this rain belongs to events that were told of before:", highlight=False)
    else:
        console.print(f"Looked at {words}: no danger.", highlight=False)
        return
    console.print(_notices(list((fresh or found).values())))
    _show_proposals(engine, twin)


def _told_of(engine: "sa.Engine", twin: str) -> dict[tuple[int, str], dict]:
    """Notices of exercises at a twin that still stand, by number and level."""
    from agritwin.alerts.stores import inbox

    rows = inbox(engine, None, dt.datetime.now(dt.UTC))
    return {
        (row["id"], row["level"]): row
        for row in rows
        if row["twin_id"] == twin and row["evidence"].get("synthetic") and row["state"] != "expired"
    }


def _await_looks(engine: "sa.Engine", twin: str, said: list[dict[str, object]], sent: float) -> None:
    """Return when the watch has looked at every message, or say how many it saw."""
    from agritwin.alerts.live import EXERCISE
    from agritwin.watch.follow import looked_at

    moments = [dt.datetime.fromisoformat(str(one["time"])) for one in said]
    while (seen := looked_at(engine, twin, EXERCISE, moments)) < len(moments):
        if time.time() > sent + PATIENCE_S:
            raise ConfigError(
                f"The watch has looked at {seen} of {len(moments)} messages.",
                "Run 'agritwin watch' beside this; what is beyond the limits of listen.registry is kept out.",
            )
        time.sleep(0.1)


def _show_proposals(engine: "sa.Engine", twin: str) -> None:
    from agritwin.alerts.stores import commands

    for command in commands(engine, twin, "proposed"):
        wish = ", ".join(f"{key} {value}" for key, value in command.desired.items())
        console.print(f"Proposed: {command.actuator}: {wish}", highlight=False)
        console.print(f"  agritwin commands approve {command.id}", highlight=False)


@app.command()
@sentence
def notices(
    twin: Annotated[str | None, typer.Argument(help="Id of the twin that was told; default: all.")] = None,
    acknowledge: Annotated[int | None, typer.Option(help="Number of a notice that you have taken notice of.")] = None,
    by: Annotated[str, typer.Option(help="Who acknowledges.")] = "command line",
    cap: Annotated[Path | None, typer.Option(help="Folder for the alerts as CAP 1.2 files.")] = None,
) -> None:
    """Show the inbox; acknowledge a notice; write alerts as CAP 1.2 files."""
    from agritwin.alerts import stores
    from agritwin.products.records import open_records

    root = workspace.enter()
    engine, now = open_records(), dt.datetime.now(dt.UTC)
    if acknowledge is not None:
        stores.acknowledge(engine, acknowledge, by, now)
    if cap is not None:
        from agritwin.watch.export import write_cap

        for path in write_cap(engine, config.load(root / workspace.CONFIG), twin, cap, now):
            console.print(str(path), highlight=False)
        return
    found = stores.inbox(engine, twin, now)
    console.print(_notices(found) if found else "The inbox is empty.")
    stores.mark_seen(engine, [row["id"] for row in found], now)


def _notices(found: list[dict]) -> Table:
    table = Table("No.", "What", Column("To", no_wrap=True), Column("Until, UTC", no_wrap=True), "State")
    for row in found:
        elsewhere = row["recipient"] != row["twin_id"]
        what = Text(row["title"], COLOURS[row["level"]])
        recipient = row["recipient"]
        if elsewhere:
            what.append(f"\nat {row['twin_id']}", "default")
            recipient += f"\n{row['evidence'].get('reason', '')}"
        until = str(row["valid_until"] or "")[5:16].replace("T", " ")
        again = "" if row["state"] == "expired" else ", tried again"
        sent = [f"{way}: {SENT[state]}{again * (state != 'delivered')}" for way, state in row["sent"].items()]
        table.add_row(str(row["id"]), what, recipient, until, "\n".join([row["state"], *sent]))
    return table
