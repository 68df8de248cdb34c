"""At most one effect, whatever is repeated, lost, delayed or stopped half-way; none unapproved, none too late."""

import datetime as dt

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agritwin.alerts.commands import DryRun, advance, deliver, expire, move, propose, register
from agritwin.errors import DataError, SourceError

START = dt.datetime(2025, 7, 1, 6, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def command(at=START, lifetime=12 * HOUR, desired=None, event="drought-1"):
    return propose("twin", "valve-1", desired or {"open": True}, {"rule": "drought"}, at, lifetime, "advice", event)


class MemoryJournal:
    def __init__(self):
        self.kept = {}

    def load(self, id):
        return self.kept.get(id)

    def swap(self, before, after):
        if self.kept.get(after.id) != before:
            return False
        self.kept[after.id] = after
        return True


class StoppedError(RuntimeError):
    """The process is killed."""


class Device:
    """An actuator that counts what it does, and whose line may fail before or after it acts."""

    def __init__(self):
        self.effects, self.mood = [], "fine"

    def send(self, command):
        if self.mood == "refuses":
            raise SourceError("valve", "no such valve")
        if self.mood == "dies before":
            raise StoppedError
        self.effects.append((command.id, command.state))
        if self.mood == "dies after":
            raise StoppedError
        return {"open": True}


@pytest.fixture
def journal():
    return MemoryJournal()


@pytest.fixture
def approved(journal):
    kept = register(journal, command())
    return move(journal, kept.id, "approved", START + HOUR, "owner")


def test_the_way_of_a_command_from_proposal_to_acknowledgement(journal, approved):
    device = Device()
    done = deliver(journal, approved.id, START + 2 * HOUR, "worker", device)
    assert [step.state for step in done.steps] == ["proposed", "approved", "sent", "acknowledged"]
    assert [step.by for step in done.steps] == ["advice", "owner", "worker", "worker"]
    assert done.steps[-1].detail == {"reported": {"open": True}}
    assert len(device.effects) == 1


def test_nothing_is_sent_without_approval(journal):
    kept, device = register(journal, command()), Device()
    with pytest.raises(DataError, match="proposed and cannot become sent"):
        deliver(journal, kept.id, START, "worker", device)
    assert device.effects == []


def test_nothing_is_sent_from_its_expiry_on(journal, approved):
    device = Device()
    with pytest.raises(DataError, match="expired"):
        deliver(journal, approved.id, START + 12 * HOUR, "worker", device)
    assert device.effects == []
    assert expire(journal, approved.id, START + 12 * HOUR).state == "expired"


def test_a_clock_that_was_set_back_does_not_revive_an_expired_command(journal, approved):
    expire(journal, approved.id, START + 13 * HOUR)
    assert deliver(journal, approved.id, START, "worker", Device()).state == "expired"


def test_the_same_wish_for_the_same_event_is_one_command(journal):
    first = register(journal, command())
    again = register(journal, command(at=START + HOUR))
    assert again is first
    assert command(event="drought-2").id != first.id
    assert command(desired={"open": False}).id != first.id


def test_delivering_again_returns_the_result_and_does_nothing(journal, approved):
    device = Device()
    first = deliver(journal, approved.id, START + 2 * HOUR, "worker", device)
    assert deliver(journal, approved.id, START + 3 * HOUR, "worker", device) == first
    assert len(device.effects) == 1


@pytest.mark.parametrize(("mood", "effects"), [("dies before", 0), ("dies after", 1)])
def test_a_stop_around_the_effect_leaves_the_command_sent_and_it_is_not_tried_again(journal, approved, mood, effects):
    device = Device()
    device.mood = mood
    with pytest.raises(StoppedError):
        deliver(journal, approved.id, START + 2 * HOUR, "worker", device)
    device.mood = "fine"
    assert deliver(journal, approved.id, START + 3 * HOUR, "worker", device).state == "sent"
    assert len(device.effects) == effects
    assert expire(journal, approved.id, START + 13 * HOUR).state == "expired"


def test_a_refusal_is_a_failure_with_its_reason(journal, approved):
    device = Device()
    device.mood = "refuses"
    failed = deliver(journal, approved.id, START + 2 * HOUR, "worker", device)
    assert failed.state == "failed"
    assert "no such valve" in failed.steps[-1].detail["problem"]


def test_a_late_acknowledgement_is_noted_even_after_the_time_is_over(journal, approved):
    sent = move(journal, approved.id, "sent", START + 2 * HOUR, "worker")
    assert advance(sent, "acknowledged", START + 20 * HOUR, "device").state == "acknowledged"


def test_a_living_command_does_not_expire(journal, approved):
    assert expire(journal, approved.id, START + 11 * HOUR).state == "approved"
    with pytest.raises(DataError, match="lives until"):
        advance(approved, "expired", START + 11 * HOUR, "clock")


def test_of_two_workers_only_one_sends(journal, approved):
    class Race(MemoryJournal):
        def __init__(self, kept):
            super().__init__()
            self.kept = kept

        def load(self, id):
            return approved

    device = Device()
    deliver(journal, approved.id, START + 2 * HOUR, "one", device)
    with pytest.raises(DataError, match="somebody else"):
        deliver(Race(journal.kept), approved.id, START + 2 * HOUR, "two", device)
    assert len(device.effects) == 1


def test_the_default_adapter_does_nothing_and_says_so(journal, approved, caplog):
    caplog.set_level("INFO")
    done = deliver(journal, approved.id, START + 2 * HOUR, "worker")
    assert done.steps[-1].detail == {"reported": {"dry_run": True}}
    assert "would be set" in caplog.text
    assert DryRun().send(approved) == {"dry_run": True}


@pytest.mark.parametrize("state", ["approved", "sent", "rejected", "proposed"])
def test_a_closed_command_stays_closed(journal, approved, state):
    done = deliver(journal, approved.id, START + 2 * HOUR, "worker", Device())
    with pytest.raises(DataError, match="it is closed"):
        advance(done, state, START + 3 * HOUR, "owner")


def test_a_lifetime_that_is_over_at_once_and_an_unknown_command_are_refused(journal):
    with pytest.raises(DataError, match="can never be sent"):
        command(lifetime=dt.timedelta(0))
    with pytest.raises(DataError, match="unknown"):
        deliver(journal, "nothing", START, "worker")


class Chaos(RuleBasedStateMachine):
    """People, workers, a device and a clock in any order, with stops in the middle."""

    @initialize()
    def begin(self):
        self.journal, self.device, self.now = MemoryJournal(), Device(), START
        self.ids, self.approved, self.sent_at = set(), set(), {}

    @rule(event=st.sampled_from(["one", "two"]))
    def propose_or_repeat(self, event):
        self.ids.add(register(self.journal, command(at=self.now, event=event)).id)

    @rule(hours=st.integers(-6, 9))
    def clock_moves_or_jumps(self, hours):
        self.now += hours * HOUR

    @rule(mood=st.sampled_from(["fine", "refuses", "dies before", "dies after"]))
    def device_changes(self, mood):
        self.device.mood = mood

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), action=st.sampled_from(["approved", "rejected", "expire", "deliver", "acknowledged"]))
    def somebody_acts(self, data, action):
        id = data.draw(st.sampled_from(sorted(self.ids)))
        before = self.journal.load(id)
        count = len(self.device.effects)
        try:
            if action == "deliver":
                deliver(self.journal, id, self.now, "worker", self.device)
            elif action == "expire":
                expire(self.journal, id, self.now)
            else:
                move(self.journal, id, action, self.now, "owner")
        except (DataError, StoppedError):
            pass
        if len(self.device.effects) > count:
            assert before.state == "approved"
            assert self.now < before.expires_at

    @invariant()
    def at_most_one_effect_each(self):
        done = [id for id, _ in self.device.effects]
        assert len(done) == len(set(done))

    @invariant()
    def journals_only_grow_and_times_never_fall(self):
        for kept in self.journal.kept.values():
            times = [step.at for step in kept.steps]
            assert times == sorted(times)
            assert kept.steps[0].state == "proposed"

    @invariant()
    def what_took_effect_is_written_down_as_sent(self):
        for id, state in self.device.effects:
            assert state == "sent"
            assert "sent" in [step.state for step in self.journal.kept[id].steps]


Chaos.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestChaos = Chaos.TestCase
