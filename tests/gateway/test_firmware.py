"""Firmware for all posts of a line at once: real posts, a real scheduler, in virtual time."""

from itertools import pairwise

import pytest
from firmware_street import Board, FirmwareStreet, build
from street import BUS_KEY

from lamplighter.gateway.lines import line
from lamplighter.gateway.wanted.firmware import INSTALLING_MAX, Image, Rollout
from lamplighter.provision.secret_key import SecretKey
from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, GATEWAY, Decoder, header, pack
from lamppost.wire.seal import Key

MINUTE = 60_000


def ready(count=3, **more) -> FirmwareStreet:
    street = FirmwareStreet(count, **more)
    there = sum(lamp.powered for lamp in street.lamps)
    street.run_until(lambda: len(street.online()) >= there, 60_000)
    return street


def rolled_out(street: FirmwareStreet, image, most_ms: int = 30 * MINUTE) -> None:
    """Every post runs the image, and has kept it."""
    street.run_until(lambda: street.all_are("installed"), most_ms)
    for lamp in street.lamps:
        assert lamp.firmware.version == image.version
        assert lamp.post.firmware == image.label


def test_an_image_reaches_all_posts_at_once_and_runs(tmp_path) -> None:
    """[D-5]"""
    street, image = ready(4), build(tmp_path)
    street.want(image)
    street.run_until(lambda: all(len(lamp.memory.incoming) == len(image.data) for lamp in street.lamps), MINUTE)
    assert street.casts == [list(range(32)), list(range(32, 64)), list(range(64, -(-len(image.data) // 128)))]
    rolled_out(street, image)
    assert [lamp.starts for lamp in street.lamps] == [2] * 4
    assert street.poller.counters.errors == 0


@pytest.mark.parametrize("loss", [0.05, 0.2, 0.4])
def test_what_a_post_missed_is_said_again(tmp_path, loss) -> None:
    """[D-6] [D-8]"""
    street, image = FirmwareStreet(6, loss=loss, seed=4), build(tmp_path)
    street.want(image)
    street.run_until(lambda: street.all_are("installed"), 120 * MINUTE)
    rolled_out(street, image)


class Desk:
    """Notes what a Rollout wants, and answers when the test does."""

    def __init__(self) -> None:
        self.asked: dict[str, list] = {}
        self.casts: list[tuple[list[int], object]] = []

    def ask(self, post, procedure, expires_ms, then, background=False) -> None:
        self.asked[post] = [next(procedure)[0], then]

    def cast(self, bus, blocks, then) -> None:
        self.casts.append(([number for number, _, _ in blocks], then))

    def now_ms(self) -> int:
        return 0

    def answer(self, post: str, segment: int, missing: int) -> None:
        _, then = self.asked.pop(post)
        then(line.Result("", 0, (messages.MORE, segment, missing, ""), ""))


def test_what_any_of_them_lacks_is_said_again_and_nothing_else(tmp_path) -> None:
    """[D-8]"""
    desk = Desk()
    rollout = Rollout("bus0", ["a", "b", "c"], build(tmp_path, size=20_000), desk)
    for post in "abc":
        rollout.online(post, 1)
    rollout.tick(0)
    for post in "abc":
        desk.answer(post, 0, 0xFFFFFFFF)
    for masks in ((0b1, 0b100, 0b10000), (0b100, 0b1, 0), (0, 0b1, 0b1)):
        desk.casts[-1][1](line.Result("", 0, 32, ""))
        assert {kind for kind, _ in desk.asked.values()} == {messages.MISSING}
        lacking = set()
        for post, mask in zip("abc", masks, strict=True):
            if post in desk.asked:
                desk.answer(post, 0 if mask else 1, mask or 0xFFFFFFFF)
                lacking |= {bit for bit in range(32) if mask >> bit & 1}
        assert desk.casts[-1][0] == sorted(lacking)
    assert [len(blocks) for blocks, _ in desk.casts] == [32, 3, 2, 1]


def test_a_post_whose_power_is_cut_goes_on_where_it_was(tmp_path) -> None:
    """[D-7]"""
    street, image = ready(3), build(tmp_path, size=20_000)
    street.want(image)
    street.run_until(lambda: street.segments()[2] >= 2, MINUTE)
    street.lamp(2).cut()
    assert street.segments()[2] >= 2
    rolled_out(street, image)
    said = [number for cast in street.casts for number in cast]
    assert [number for number in set(said) if said.count(number) > 1 and number < 64] == []


def test_a_gateway_that_is_killed_goes_on_where_its_posts_are(tmp_path) -> None:
    """[D-7]"""
    street, image = ready(3), build(tmp_path, size=20_000)
    street.want(image)
    street.run_until(lambda: street.segments()[1] >= 2, MINUTE)
    street.kill()
    before, have = len(street.casts), min(street.segments().values())
    rolled_out(street, image)
    said = [number for cast in street.casts[before:] for number in cast]
    assert min(said) >= 32 * have > 0


def test_a_post_that_comes_late_holds_up_nobody_and_gets_all(tmp_path) -> None:
    """[D-8]"""
    boards = [Board(address) for address in (1, 2, 3)]
    boards[2].powered = False
    street, image = ready(boards=boards), build(tmp_path, size=20_000)
    street.want(image)
    street.run_until(lambda: street.segments()[1] >= 2, MINUTE)
    boards[2].powered = True
    boards[2].start()
    street.run_until(lambda: street.segments()[1] >= 4, MINUTE)
    assert street.segments()[3] == 0
    rolled_out(street, image)


def test_nobody_is_asked_to_install_what_is_not_whole_and_one_goes_first(tmp_path, monkeypatch) -> None:
    """[D-8] [D-10]"""
    asked, installing = [], []
    original = Rollout._ask

    def ask(rollout, post, target, what) -> None:
        if what == messages.INSTALL:
            asked.append((post, target.segment))
            installing.append(sum(t.state == "installing" for t in rollout._posts.values()) + 1)
        original(rollout, post, target, what)

    monkeypatch.setattr(Rollout, "_ask", ask)
    street, image = ready(8, loss=0.1), build(tmp_path)
    street.want(image)
    rolled_out(street, image)
    assert {segment for _, segment in asked} == {image.segments}
    assert installing[0] == 1
    assert max(installing) <= INSTALLING_MAX
    first = next(lamp for lamp in street.lamps if f"p{lamp.address}" == asked[0][0])
    others = [lamp for lamp in street.lamps if lamp is not first]
    assert all(first.started_ms[1] < lamp.started_ms[1] for lamp in others)


def test_what_nobody_has_signed_is_installed_nowhere_and_refused_once(tmp_path) -> None:
    """[D-9]"""
    street, image = ready(3), build(tmp_path, key=SecretKey(bytes(32), b"stranger"))
    street.want(image)
    street.run_until(lambda: street.all_are("refused"), 5 * MINUTE)
    assert all("sign" in row["reason"] or "key" in row["reason"] for row in street.rollout.report().values())
    assert [lamp.firmware.version for lamp in street.lamps] == [0] * 3
    casts = len(street.casts)
    street.run(street.now + 10 * MINUTE)
    assert len(street.casts) == casts


def test_a_board_of_another_kind_takes_nothing(tmp_path) -> None:
    """[D-5]"""
    boards = [Board(1), Board(2, kind="esp32"), Board(3)]
    street, image = ready(boards=boards), build(tmp_path)
    street.want(image)
    street.run_until(lambda: sorted(street.states().values()) == ["installed", "installed", "other board"], 30 * MINUTE)
    assert boards[1].memory.incoming == b""
    assert boards[1].firmware.version == 0


def forged(image, number: int, data: bytes) -> bytes:
    """A block as whoever has stolen a post says it."""
    payload = messages.encode(messages.BLOCK, (image.name, data))
    signed = header(EVERYBODY, GATEWAY, messages.BLOCK, number) + payload
    return pack(signed, Key(BUS_KEY).seal(contexts.BUS, signed))


def spoil(street, image) -> None:
    """The thief is quicker than the gateway, at the last block."""
    last = -(-len(image.data) // 128) - 1
    size = len(image.data) - last * 128
    for lamp in street.lamps:
        street._hear(lamp, forged(image, last, bytes(size)))


def test_a_stolen_bus_key_spoils_a_transfer_and_installs_nothing(tmp_path) -> None:
    """[B-6] [D-9]"""
    street, image = ready(3), build(tmp_path)
    street.want(image)
    street.run_until(lambda: set(street.segments().values()) == {image.segments - 1}, 5 * MINUTE)
    spoil(street, image)
    street.run_until(lambda: "installing" in street.states().values(), MINUTE)
    assert all(len(lamp.memory.incoming) == len(image.data) for lamp in street.lamps)
    assert all(bytes(lamp.memory.incoming) != image.data for lamp in street.lamps)
    rolled_out(street, image)  # he has done it once
    assert [sum(0 in cast for cast in street.casts), *(lamp.starts for lamp in street.lamps)] == [4, 2, 2, 2]


def test_a_thief_who_does_not_tire_is_told_of(tmp_path) -> None:
    """[D-9]"""
    street, image = ready(2, cycle_ms=0), build(tmp_path, size=3000)
    street.want(image)
    for _ in range(200):
        street.run(street.now + 1000)
        for number in range(-(-len(image.data) // 128)):
            size = min(128, len(image.data) - number * 128)
            for lamp in street.lamps:
                street._hear(lamp, forged(image, number, bytes(size)))
    street.run_until(lambda: street.all_are("refused"), 10 * MINUTE)
    assert all("stolen bus key" in row["reason"] for row in street.rollout.report().values())
    assert [lamp.firmware.version for lamp in street.lamps] == [0] * 2
    assert [lamp.starts for lamp in street.lamps] == [1] * 2


def test_people_are_seen_and_posts_polled_between_the_blocks(tmp_path) -> None:
    """[D-11]"""
    street, image = ready(8, baud=19_200, cycle_ms=0), build(tmp_path, size=40_000)
    street.want(image)
    street.run_until(lambda: street.segments()[1] >= 1, MINUTE)
    begun, waits = len(street.frames), []
    for number in range(24):
        at, before = street.now, len(street.of(line.Heard))
        street.sense(1 + number % 8)
        street.run_until(lambda before=before: len(street.of(line.Heard)) > before, 2000)
        waits.append(street.now - at)
        street.run(street.now + 400 + number)
    assert max(waits) <= 250, waits
    assert max(street.segments().values()) < image.segments, "it goes on meanwhile"
    kinds = [Decoder().feed(data)[0].type for _, who, data in street.frames[begun:] if who is None]
    assert kinds.count(messages.BLOCK) > 60
    assert not [1 for pair in pairwise(kinds) if pair == (messages.BLOCK, messages.BLOCK)]


def test_an_image_that_is_none_is_refused_at_once() -> None:
    for data in (
        b"",
        b"LLF1",
        b"LLF2" + bytes(99),
        b"LLF1\x00\x10\x00\x00nothing to see here",
        b"LLF1" + bytes(1 << 20),
    ):
        with pytest.raises(ValueError, match="image"):
            Image.read(data)


class Bricked(Board):
    """A Board that nothing is heard of once it has installed."""

    def start(self) -> None:
        super().start()
        self.powered = self.starts == 1


def test_an_image_that_no_board_survives_reaches_three_of_a_line_and_that_is_said(tmp_path) -> None:
    """[D-10]"""
    street, image = ready(boards=[Bricked(address) for address in range(1, 7)]), build(tmp_path)
    street.want(image)
    street.run_until(lambda: street.lamps[0].starts == 2, 5 * MINUTE)
    street.run(street.now + 9 * MINUTE)
    assert [lamp.starts for lamp in street.lamps] == [2, 1, 1, 1, 1, 1]
    street.run(street.now + 60 * MINUTE)
    assert [lamp.starts for lamp in street.lamps] == [2, 2, 2, 1, 1, 1]
    assert "look at one before others get it" in street.rollout.report()["p6"]["reason"]


def test_a_board_that_starts_slowly_is_waited_for_and_then_four_are_under_way(tmp_path) -> None:
    """[D-10]"""

    class Slow(Board):
        def start(self) -> None:
            super().start()
            if self.starts == 2:
                self.powered = False
                street.at(street.now + 20_000, lambda: setattr(self, "powered", True))

    boards = [Slow(address) for address in range(1, 9)]
    street = FirmwareStreet(boards=boards)
    street.run_until(lambda: len(street.online()) == 8, MINUTE)
    image, most = build(tmp_path), [0]
    street.want(image)

    def count() -> None:
        proven = any(board.starts == 2 and board.powered for board in boards)
        away = sum(board.starts == 2 and not board.powered for board in boards)
        most.append(away)
        assert away <= (INSTALLING_MAX if proven else 1)
        street.at(street.now + 100, count)

    count()
    rolled_out(street, image)
    assert max(most) == INSTALLING_MAX


def test_who_has_yet_to_start_again_has_proved_nothing(tmp_path) -> None:
    """[D-10] Every gateway dies while the first board, which will not survive it, has installed and still runs on."""

    class Doomed(Board):
        due = on_ms = None

        def start(self) -> None:
            if self.on_ms is None:
                super().start()
            elif self.due is None:
                self.due = street.now + 40_000
            self.powered = self.due is None or street.now < self.due

    boards = [Doomed(address) for address in range(1, 7)]
    street, image = FirmwareStreet(boards=boards), build(tmp_path)
    street.run_until(lambda: len(street.online()) == 6, MINUTE)
    street.want(image)
    street.run_until(lambda: boards[0].due is not None, 5 * MINUTE)
    street.kill()
    street.run(street.now + 5 * MINUTE)
    assert not boards[0].powered
    assert [board.due is not None for board in boards] == [True] + [False] * 5


def test_a_gateway_that_has_just_started_hears_first_who_is_at_it(tmp_path) -> None:
    """[D-10]"""

    class Away(Board):
        def start(self) -> None:
            super().start()
            if self.starts == 2 and self.address == 1:
                self.powered = False
                street.at(street.now + 10_000, lambda: setattr(self, "powered", True))

    street = FirmwareStreet(boards=[Away(address) for address in (1, 2, 3)])
    street.run_until(lambda: len(street.online()) == 3, MINUTE)
    image = build(tmp_path)
    street.want(image)
    street.run_until(lambda: not street.lamps[0].powered, 5 * MINUTE)
    street.kill()
    street.run_until(lambda: street.lamps[0].powered, MINUTE)
    assert [lamp.starts for lamp in street.lamps] == [2, 1, 1]
    rolled_out(street, image)
