"""Commands through a record store, workers that are killed, a line that duplicates and loses, a clock that jumps."""

import datetime as dt
import random

import pytest

from agritwin.alerts.commands import NoAnswerError, confirm, deliver, expire, move, propose, register
from agritwin.alerts.stores import SqlJournal, commands
from agritwin.errors import DataError, SourceError
from agritwin.records.database import connect, migrate

START = dt.datetime(2025, 7, 1, 6, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class KilledError(RuntimeError):
    """The worker dies here."""


class Line:
    """A line to devices that do a thing once an id, whatever the line does with messages."""

    def __init__(self, chance):
        self.chance, self.effects, self.reports, self.messages = chance, {}, {}, []

    def act(self, command, at):
        if at < command.expires_at and command.id not in self.effects:
            self.effects[command.id] = at
            self.reports[command.id] = {"done": True}

    def send(self, command):
        fate = self.chance.choice(["fine", "refused", "lost", "answer lost", "twice", "dies before", "dies after"])
        self.messages.append(command.id)
        if fate == "refused":
            raise SourceError("valve", "no")
        if fate == "dies before":
            raise KilledError
        if fate != "lost":
            for _ in range(2 if fate == "twice" else 1):
                self.act(command, self.now)
        if fate == "dies after":
            raise KilledError
        if fate in ("lost", "answer lost"):
            raise NoAnswerError("nothing came back")
        return {"done": True}

    def reported(self, command):
        return self.reports.get(command.id) if self.chance.random() < 0.7 else None


def scenario(seed, path):
    """Half a hundred steps of people, workers and mishaps; returns journal and line."""
    chance = random.Random(seed)
    engine, line, now = connect(path), Line(chance), START
    journal, true_now, ids = SqlJournal(engine), START, []
    for _ in range(40):
        true_now += chance.uniform(0, 0.6) * HOUR
        now = true_now + (chance.uniform(-5, 5) * HOUR if chance.random() < 0.2 else 0 * HOUR)
        line.now = true_now
        step = chance.choice(["propose", "approve", "reject", "deliver", "deliver", "confirm", "expire", "restart"])
        try:
            if step == "propose":
                wish = propose("t", "valve", {"open": False}, {}, now, 6 * HOUR, "watch", str(chance.randrange(4)))
                ids.append(register(journal, wish).id)
            elif step == "restart":
                engine.dispose()
                journal = SqlJournal(connect(path))
            elif ids:
                act(step, journal, chance.choice(ids), now, line)
        except (DataError, KilledError):
            pass
    return journal, line, engine


def act(step, journal, id, now, line):
    if step == "deliver":
        deliver(journal, id, now, "worker", line)
    elif step == "confirm":
        confirm(journal, id, now, "worker", line)
    elif step == "expire":
        expire(journal, id, now)
    else:
        move(journal, id, {"approve": "approved", "reject": "rejected"}[step], now, "ana")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("chaos") / "records.db"
    engine = connect(path)
    migrate(engine)
    engine.dispose()
    return path


def test_at_most_one_effect_each_over_many_seeds(thorough, template, tmp_path):
    acted = 0
    for seed in range(200 if thorough else 10):
        path = tmp_path / f"{seed}.db"
        path.write_bytes(template.read_bytes())
        journal, line, engine = scenario(seed, path)
        acted += len(line.effects)
        assert len(line.messages) == len(set(line.messages)), f"seed {seed}: sent twice"
        for command in commands(journal.where):
            states = [step.state for step in command.steps]
            times = [step.at for step in command.steps]
            assert times == sorted(times), f"seed {seed}"
            assert states[0] == "proposed"
            assert states.count("sent") <= 1, f"seed {seed}"
            if command.id in line.messages:
                assert states[:3] == ["proposed", "approved", "sent"], f"seed {seed}"
                sent = command.steps[2].at
                assert sent < command.expires_at, f"seed {seed}: sent after its expiry"
            if command.id in line.effects:
                assert line.effects[command.id] < command.expires_at, f"seed {seed}"
        engine.dispose()
        journal.where.dispose()
        path.unlink()
    assert acted > 0
