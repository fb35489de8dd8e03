"""The checker's gateway with a disk that fails, a clock that jumps and requests that come again: what holds, and that
each of these faults does something."""

import random

import pytest

from lamplighter.gateway.store.ledger import Ledger
from lamppost.answers import Answers
from lampsim.check.broken import Broken
from lampsim.check.gateway.disk import Disk
from lampsim.check.run import Case, play
from lampsim.check.witness.promises import Witness
from lampsim.check.world.street import Street
from lampsim.check.worlds import draw
from lampsim.faults import REGISTRY, Fault, Shape
from lampsim.faults.cabinet import BrokerDeath, DamagedStore, FullDisk, GatewayDeath, ReplayedRequests, Rollover
from lampsim.faults.plan import KEYS, LATER

SEEDS = (262, 389, 209, 217)  # small worlds with requests


def drawn(name: str, seed: int) -> tuple[Fault, ...]:
    """Three of one kind, all in the first half."""
    spec, chance = draw(seed), random.Random(f"{name} {seed}")
    shape = Shape(spec.lines, spec.duration_s)
    times = [(round(chance.uniform(5, spec.duration_s / 2), 3), round(chance.uniform(5, 60), 3)) for _ in range(3)]
    return tuple(REGISTRY[name].draw(chance, shape, at_s, for_s) for at_s, for_s in times)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LATER + KEYS)
def test_the_promises_hold_with_each_and_a_case_replays(name, seed) -> None:
    case = Case(seed, drawn(name, seed))
    outcome = play(case)
    assert outcome.text == ""
    assert play(case) == outcome


@pytest.mark.parametrize("kind", FullDisk.KINDS)
def test_a_full_disk_refuses_and_nobody_forgets(kind) -> None:
    street = Street(draw(262), [FullDisk(20.0, 40.0, kind)], Witness())
    assert street.cabinet.disk is not None
    refused: list[str] = []
    database = type(street.cabinet.disk.open())
    submit = database.submit

    def watched(self, work):
        future = submit(self, work)
        if future.exception() is not None:
            refused.append(str(future.exception()))
        return future

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "submit", watched)
        patch.setattr("lamplighter.gateway.store.database.CACHE_KB", 64)
        street.run()
    street.close()
    assert refused or kind == "page", "a small store finds room within its pages"


def test_a_store_that_is_full_of_pages_refuses() -> None:
    disk = Disk()
    database = disk.open()
    disk.fill("page")
    future = database.submit(lambda c: c.execute("INSERT INTO meta VALUES ('long', ?)", ("x" * 100_000,)) and None)
    assert "full" in str(future.exception())
    disk.fill("")
    assert database.submit(lambda c: c.execute("INSERT INTO meta VALUES ('long', 'x')") and None).exception() is None
    disk.remove()


@pytest.mark.parametrize("kind", DamagedStore.KINDS)
def test_a_damaged_store_is_begun_anew_and_only_what_it_held_is_missed(kind) -> None:
    witness = Witness()
    street = Street(draw(262), [DamagedStore(40.0, 5.0, kind)], witness)
    street.run()
    street.close()
    assert street.cabinet.disk is not None
    assert len(street.cabinet.disk.said) == 1
    assert {epoch for epoch, _ in witness.delivered.ids.values()} == {epoch for epoch, _ in witness.delivered.got}
    assert len({epoch for epoch, _ in witness.delivered.got}) == 2, "ids of the old store and of the new one"


def test_a_request_that_comes_again_whenever_does_nothing(monkeypatch) -> None:
    """The control: with a ledger and posts that forget, the same case breaks promise 3."""
    faults = (ReplayedRequests(30.0, 80.0), GatewayDeath(60.0, 2.0))
    seed = next(seed for seed in SEEDS if len({ask.transaction for ask in draw(seed).requests}) > 1)
    assert play(Case(seed, faults)).text == ""
    begin = Ledger.begin
    monkeypatch.setattr(Ledger, "begin", lambda self, transaction, *times: begin(self, f"{transaction}{times}", *times))
    command = Answers._command
    forgetful = lambda self, message, t_ms: (self._results.clear(), command(self, message, t_ms))[1]  # noqa: E731
    monkeypatch.setattr(Answers, "_command", forgetful)
    assert {play(Case(seed, faults)).promise for seed in SEEDS} & {3}


def test_what_a_broker_took_to_its_grave_is_asked_for(monkeypatch) -> None:
    """The control: a centre that does not ask misses it."""
    faults = tuple(BrokerDeath(at_s, 3.0) for at_s in (20.2, 30.2, 41.2, 52.2, 63.2, 74.2, 85.2))
    assert {play(Case(seed, faults)).text for seed in SEEDS} == {""}
    monkeypatch.setattr("lampsim.check.gateway.centre.Centre._resend", lambda self, gaps, ranges: None)
    assert {play(Case(seed, faults)).promise for seed in SEEDS} & {3}


def test_an_item_that_a_full_disk_refused_and_the_gateway_acknowledged_is_missed(monkeypatch) -> None:
    """A gateway that acknowledges what is not stored: the checker sees it."""

    def careless(self, entries, bus, told) -> None:
        self.outbox.append(entries)
        if told is not None:
            self.give(bus, told)

    monkeypatch.setattr("lampsim.check.gateway.cabinet.Cabinet._keep", careless)
    promises = {play(Case(seed, (FullDisk(5.0, 60.0, "byte"),))).promise for seed in SEEDS}
    assert promises & {3}


def test_the_witness_knows_two_ids_of_one_item() -> None:
    witness = Witness()
    street = Street(draw(127), [], witness)
    witness.delivered.made["p01", 1, 1] = (0, (1, 4, 0, 0, 0, 0))
    body = '{"post":"p01","post_epoch":1,"post_seq":1,"kind":"boot"}'
    witness.received("aa", 1, body)
    witness.received("aa", 1, body)
    with pytest.raises(Broken, match="two ids"):
        witness.received("bb", 1, body)
    witness.store_lost([])
    witness.received("bb", 1, body)
    with pytest.raises(Broken, match="two ids"):
        witness.received("aa", 2, body)
    street.close()


def test_a_rollover_is_done_and_a_thief_is_heard_by_nobody() -> None:
    street = Street(draw(262), [Rollover(5.0, 88.0, "a", "both", ("p01", "p02"))], Witness())
    said: list[bytes] = []
    inject = street.stage.inject

    def listened(line: str, data: bytes) -> None:
        said.append(data)
        inject(line, data)

    street.stage.inject = listened  # type: ignore[method-assign]
    refused: dict[str, int] = {}
    street.run()
    keys = street.cabinet.keys
    assert keys.rolling is not None
    assert keys.ring.buses["a"] != street.settings_of("p01", 1)["bus-key"]
    assert not keys.rolling.progress()
    assert set(keys.ring.posts) == {"p01", "p02"}
    for post in street.posts.values():
        assert post.post is not None
        line = post.post.line
        assert line is not None
        refused[post.name] = line.refused
    street.stage.stolen("a")
    assert len(said) >= 4
    street.loop.run_until(street.loop.now_us + 2_000_000)
    for post in street.posts.values():
        assert post.post is not None
        assert post.post.line is not None
        assert post.post.line.refused > refused[post.name]
    street.close()


def test_a_lost_key_is_noticed() -> None:
    street = Street(draw(262), [], Witness())
    street.run()
    keys, post = street.cabinet.keys, street.posts["p01"].post
    assert post is not None
    good = post.settings.get("bus-key"), post.settings.get("post-key")
    assert keys.wrong("p01", *good) == ""
    assert "bus key" in keys.wrong("p01", bytes(32), good[1])
    assert "own key" in keys.wrong("p01", good[0], bytes(32))
