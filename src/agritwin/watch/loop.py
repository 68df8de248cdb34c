"""The watch as it runs: a thread that listens, one that carries out, and this one, which looks at what is new."""

import contextlib
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from agritwin.alerts.commands import Adapter
from agritwin.errors import AgritwinError
from agritwin.sensors.listener import listen
from agritwin.sensors.mqtt import Broker
from agritwin.sensors.registry import Registry
from agritwin.settings import Settings
from agritwin.watch.act import adapter, carry_out, send_notices
from agritwin.watch.context import Contexts
from agritwin.watch.follow import News, follow_product, follow_readings, follow_silence

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Longest time between two looks at the readings; a batch that comes in wakes the watch at once."""
SILENCE_S = 60.0


@dataclass(frozen=True)
class Watch:
    """What is watched.

    Attributes
    ----------
    engine
        Record store, migrated.
    root
        The workspace.
    settings
        Of each twin.
    broker, registry
        Where sensors speak, and what they are; None where another process listens.
    here
        Opens a broker in this process, for trying out: last of all, since it keeps nothing for who does not listen yet.
    """

    engine: sa.Engine
    root: Path
    settings: Mapping[str, Settings]
    broker: Broker | None = None
    registry: Registry | None = None
    here: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext

    def run(self, stop: threading.Event, tell: Callable[[News], None], ready: Callable[[], None]) -> None:
        """Watch until told to stop.

        Parameters
        ----------
        stop
            Ends the watch.
        tell
            Called after what it is told of has been kept.
        ready
            Called whenever the broker has begun to send, or once where another process listens.
        """
        woken, contexts = threading.Event(), Contexts(self.root, self.settings)
        for twin in self.settings:
            # Opening the floods takes a second or two: now, and not when it rains.
            if contexts.of(twin).situation.library is None:
                log.warning("%s: no floods were run ahead, so none is judged. Run snakemake.", twin)
        silence_due = 0.0
        with self.here(), self._beside(stop, woken, contexts, ready):
            while not stop.is_set():
                woken.wait(LOOK_S)
                woken.clear()
                due = time.monotonic() >= silence_due
                silence_due = time.monotonic() + SILENCE_S if due else silence_due
                with _told():
                    for news in self.look(contexts, due):
                        tell(news)

    def look(self, contexts: Contexts, silence: bool) -> list[News]:
        """Look once at readings and published forecasts, and where asked at sensors that say nothing."""
        now = _now()
        news = follow_readings(self.engine, self.settings, contexts.of, now)
        for twin in self.settings:
            news += follow_product(self.engine, contexts.of(twin), now)
            if silence:
                news += follow_silence(self.engine, contexts.of(twin), now)
        return news

    @contextlib.contextmanager
    def _beside(
        self, stop: threading.Event, woken: threading.Event, contexts: Contexts, ready: Callable[[], None]
    ) -> Iterator[None]:
        """Have sensors listened to and commands carried out in threads, as long as the block lasts."""
        own = Contexts(self.root, self.settings)
        threads = [threading.Thread(target=self._carry_out, args=(stop, own), name="carry out")]
        failures: list[AgritwinError] = []
        if self.broker is not None and self.registry is not None:
            threads.append(threading.Thread(target=self._listen, args=(stop, woken, failures, ready), name="listen"))
        else:
            ready()
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        if failures:
            raise failures[0]

    def _listen(
        self, stop: threading.Event, woken: threading.Event, failures: list[AgritwinError], ready: Callable[[], None]
    ) -> None:
        assert self.broker is not None
        assert self.registry is not None
        try:
            listen(
                self.broker, self.registry, self.engine, list(self.settings),
                now=time.time, on_batch=lambda _: woken.set(), on_ready=ready, stop=stop,
            )  # fmt: skip
        except AgritwinError as error:  # the broker refuses: the watch ends and says why
            failures.append(error)
            stop.set()
            woken.set()

    def _carry_out(self, stop: threading.Event, contexts: Contexts) -> None:
        address = (self.broker.host, self.broker.port) if self.broker else ("127.0.0.1", 1883)

        def way(twin: str) -> Adapter:
            return adapter(contexts.of(twin).commands, address, time.time)

        while not stop.wait(LOOK_S):
            with _told():
                for command in carry_out(self.engine, self.settings, way, _now):
                    log.info("command %s of %s is %s", command.id, command.twin, command.state)
                send_notices(self.engine, self.settings, contexts.of, _now())


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong and go on: whatever was not kept is looked at again."""
    try:
        yield
    except AgritwinError as error:
        log.warning("%s", error)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
