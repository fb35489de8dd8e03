"""A whole Post on the hardware of a Pico and of an ESP32, in virtual time, with a stand-in for `machine`."""

import json
import unittest

import fake_machine
from test_boards_config import PICO

STATE = fake_machine.install()

from lamppost.agent import Agent  # noqa: E402 - they import `machine`
from lamppost.boards import config, esp32, rp2  # noqa: E402
from lamppost.boards.run import PostBoard, keep_turn  # noqa: E402
from lamppost.light import dates  # noqa: E402
from lamppost.post import Post  # noqa: E402
from lamppost.store.journal import Journal  # noqa: E402
from lamppost.store.settings import Settings  # noqa: E402
from lamppost.wire import faults, messages  # noqa: E402

ESP32 = {
    "board": "esp32",
    "bus": {"uart": 1, "tx": 17, "rx": 16, "enable": 4},
    "service": {"uart": 2, "tx": 18, "rx": 19},
    "lamp": {"kind": "pwm", "pin": 25, "inverted": True},
    "relay": {"pin": 26, "active": 0},
    "presence": [{"pin": 34}],
    "identify": {"pin": 13},
}


class Flash:
    def __init__(self):
        self.files = {}
        self.full = False

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        if self.full:
            raise OSError(28)
        self.files[name] = data


class Rig:
    """A post on a board whose time a test moves on."""

    def __init__(self, found, board):
        fake_machine.install()
        self.flash = Flash()
        journal = Journal(self.flash)
        hardware = board()
        whole = config.read(json.dumps(found), board.name, board.pins)
        self.board = PostBoard(whole, hardware, journal)
        self.first = dict(STATE.duties), dict(STATE.driven)
        self.post = self.board.post = Post(journal.get, hardware.random)
        self.agent = Agent(self.post, self.board)
        self.board.begin(self.agent.deliver)
        self.agent.deliver(("tick",))

    def run(self, for_ms):
        """Look each 2 ms and wake the post when it wants it."""
        for _ in range(for_ms // 2):
            STATE.now_ms += 2
            self.board.look()
            self.agent.wake()

    def type(self, text, uart):
        STATE.uarts[uart].rx += text.encode() + b"\r"
        self.run(20)
        said, STATE.uarts[uart].tx = STATE.uarts[uart].tx, b""
        return said.decode().replace("\r\n", "\n")


class FlashTest(unittest.TestCase):
    def test_what_flash_refuses_at_the_very_start_is_told(self):
        fake_machine.install()
        flash = Flash()
        flash.full = True
        journal = Journal(flash)
        hardware = rp2.Board()
        board = PostBoard(config.read(json.dumps(PICO), "rp2", rp2.Board.pins), hardware, journal)
        post = Post(journal.get, hardware.random)
        agent = Agent(post, board)
        agent.deliver(("tick",))  # as Agent.run does, before the board looks
        self.assertTrue(post.upkeep.flash_bad)
        board.begin(agent.deliver)
        agent.wake()
        self.assertEqual(post.upkeep.bits >> faults.FLASH_REFUSES & 1, 1)

    def test_no_memory_for_a_record_restarts_no_board(self):
        fake_machine.install()
        flash = Flash()
        journal = Journal(flash)
        hardware = rp2.Board()
        board = PostBoard(config.read(json.dumps(PICO), "rp2", rp2.Board.pins), hardware, journal)
        post = Post(journal.get, hardware.random)
        agent = Agent(post, board)
        agent.deliver(("tick",))
        put = journal.put

        def none(name, data):
            raise MemoryError

        journal.put = none
        post.configure("reading-s", 300, 0)
        agent.deliver(("tick",))
        self.assertTrue(post.upkeep.flash_bad)
        journal.put = put
        post.save("life", b"x")
        agent.deliver(("tick",))
        self.assertFalse(post.upkeep.flash_bad)
        agent.deliver(("tick",))
        self.assertEqual(Settings.from_bytes(journal.get("settings")).reading_s, 300)


class PicoTest(unittest.TestCase):
    def test_light_is_first_and_full(self):
        rig = Rig(PICO, rp2.Board)
        self.assertEqual(rig.first, ({15: 65535}, {16: 1, 2: 0}))
        what = [entry[1] for entry in STATE.history]
        self.assertTrue(what.index("pwm 15") < what.index("pin 2"))
        rig.run(2000)
        self.assertEqual(STATE.duties[15], 65535)

    def test_the_watchdog_is_fed_while_it_looks(self):
        rig = Rig(PICO, rp2.Board)
        self.assertEqual(STATE.watchdog_ms, 8388)
        rig.run(8000)
        self.assertTrue(STATE.fed >= 390)

    def test_a_long_answer_comes_whole_though_the_port_has_little_room(self):
        rig = Rig(PICO, rp2.Board)
        for number in range(60):
            rig.post.log("line %d of what has happened in the night to this post" % number, number)
        STATE.uarts[1].rx += b"log\r"
        rig.run(600)
        said = STATE.uarts[1].tx.decode()
        self.assertEqual(said.count("of what has happened in the night to this post\r\n"), 60)
        self.assertEqual(said[-4:], "ok\r\n")

    def test_a_contact_that_bounces_is_one_person_whatever_its_off_ms(self):
        found = dict(PICO)
        found["presence"] = [dict(PICO["presence"][0], on_ms=0, off_ms=0)]
        rig = Rig(found, rp2.Board)
        pin = found["presence"][0]["pin"]
        rest = STATE.levels.get(pin, 0)
        for _ in range(100):
            STATE.levels[pin] = 1 - rest
            rig.run(100)
            STATE.levels[pin] = rest
            rig.run(400)
        seen = [item for item in rig.post.items.oldest(99) if item[1] == messages.PRESENCE]
        self.assertEqual(len(seen), 1)
        self.assertEqual(rig.post.present(), [0])
        rig.run(3000)
        self.assertEqual(rig.post.present(), [])

    def test_the_post_is_woken_by_whoever_feeds_the_watchdog(self):
        rig = Rig(PICO, rp2.Board)
        self.assertEqual(rig.type("level 40 1m", 1), "ok\n")
        fed = STATE.fed
        for _ in range(70000 // 20):  # the agent's own timer is lost
            STATE.now_ms += 20
            rig.board.look()
        self.assertTrue(STATE.fed > fed)
        self.assertEqual(STATE.duties[15], 65535)

    def test_the_clock_chip_is_not_asked_at_each_look(self):
        rig = Rig(PICO, rp2.Board)
        rig.post.handle(("clock", 835401600, 0), rig.board.ticks())
        for there in (True, False):
            if there:
                STATE.memory[0x68] = bytes(19)
            else:
                STATE.memory.clear()
            STATE.asked = 0
            rig.run(180000)
            self.assertTrue(1 <= STATE.asked <= 8, STATE.asked)

    def test_console_on_its_own_port(self):
        rig = Rig(PICO, rp2.Board)
        self.assertIn("firmware ", rig.type("info", 1))
        self.assertIn("error: unknown command", rig.type("nonsense", 1))
        self.assertEqual(STATE.uarts[1].baud, 115200)

    def test_a_level_by_hand_fades_the_output(self):
        rig = Rig(PICO, rp2.Board)
        self.assertEqual(rig.type("level 40 1m", 1), "ok\n")
        rig.run(1500)
        self.assertEqual(STATE.duties[15], (100000 + 900 * 400) * 65535 // 1000000)
        rig.run(62000)
        self.assertEqual(STATE.duties[15], 65535)

    def test_presence_is_debounced_and_becomes_an_item(self):
        rig = Rig(PICO, rp2.Board)
        before = len(rig.post.items)
        STATE.levels[11] = 1
        rig.run(30)
        STATE.levels[11] = 0
        rig.run(500)
        self.assertEqual(len(rig.post.items), before)
        STATE.levels[11] = 1
        rig.run(200)
        item = rig.post.items.oldest(99)[-1]
        self.assertEqual((item[1], item[3], item[4]), (2, 1, 2))  # presence, input 1, a car
        self.assertEqual(STATE.pulls[11], fake_machine.Pin.PULL_DOWN)

    def test_keys_make_it_speak_with_the_line_driven(self):
        rig = Rig(PICO, rp2.Board)
        for command in ("set address 7", "set post-key " + "11" * 32, "set bus-key " + "22" * 32):
            self.assertEqual(rig.type(command, 1), "ok\n")
        STATE.levels[10] = 1
        rig.run(3000)
        self.assertTrue(STATE.uarts[0].tx)
        driven = [(at, value) for at, what, value in STATE.history if what == "pin 2"]
        self.assertEqual([value for _, value in driven], [0, 1, 0, 1, 0, 1, 0])  # nobody acknowledged it
        on_air_ms = len(STATE.uarts[0].tx) * 10000 // 19200
        driven_ms = sum([driven[at + 1][0] - driven[at][0] for at in (1, 3, 5)])
        self.assertTrue(0 <= driven_ms - on_air_ms <= 12, (driven, on_air_ms))
        again = Post(Journal(rig.flash).get, rp2.Board().random)
        self.assertEqual(again.settings.address, 7)

    def test_lux_power_and_temperature_reach_the_post(self):
        found = dict(PICO)
        found["temperature"] = True
        rig = Rig(found, rp2.Board)
        STATE.levels[26] = 32768
        STATE.levels["adc 4"] = 13678  # 0.68874 V: 10 degrees above 27
        rig.run(7000)
        self.assertEqual(rig.post.lux_mlx, 500000)
        rig.run(30000)
        self.assertEqual(rig.post.temp_dc, 371)
        for _ in range(3):
            STATE.edges[13](None)
            rig.run(90000)
        self.assertEqual(rig.post.status(rig.post.clock.t_ms)[4], 40000)

    def test_the_clock_chip_gives_the_time_and_keeps_it(self):
        fake_machine.install()
        rig = Rig(PICO, rp2.Board)
        self.assertIsNone(rig.post.clock.utc_s(rig.post.clock.t_ms))
        noon = dates.day_of(2026, 6, 21) * 86400 + 43200
        STATE.memory[0x68] = bytes(15) + b"\x80" + bytes(3)
        rig.run(100)
        self.assertEqual(STATE.memory[0x68][15], 0x80)
        rig.agent.deliver(("clock", noon, 0))
        rig.run(100)
        self.assertEqual(STATE.memory[0x68][:7], bytes([0, 0, 0x12, 7, 0x21, 0x06, 0x26]))
        memory = dict(STATE.memory)
        fake_machine.install()
        keep = fake_machine.State.__init__

        def start(state):
            keep(state)
            state.memory = memory

        fake_machine.State.__init__ = start
        try:
            again = Rig(PICO, rp2.Board)
        finally:
            fake_machine.State.__init__ = keep
        self.assertEqual(again.post.clock.utc_s(again.post.clock.t_ms), noon)

    def test_a_door_is_said(self):
        rig = Rig(PICO, rp2.Board)
        self.assertEqual(STATE.pulls[12], fake_machine.Pin.PULL_UP)
        rig.run(1000)
        STATE.levels[12] = 1
        rig.run(1000)
        STATE.levels[12] = 0
        rig.run(1000)
        said = [line.split(": ")[1] for line in rig.type("log", 1).split("\n") if "door" in line]
        self.assertEqual(said, ["door open", "door closed", "door open"])

    def test_a_full_disk_is_said_once_and_the_light_goes_on(self):
        rig = Rig(PICO, rp2.Board)
        rig.flash.full = True
        rig.type("set reading-s 5", 1)
        self.assertEqual(rig.type("level 0 1m", 1), "ok\n")
        rig.run(20000)
        self.assertEqual((STATE.duties[15], STATE.driven[16]), (0, 0))

    def test_time_wraps(self):
        rig = Rig(PICO, rp2.Board)
        STATE.now_ms = 0x3FFFFFFF - 1000
        rig.run(100)
        self.assertEqual(rig.type("level 0 1m", 1), "ok\n")
        rig.run(20000)
        self.assertEqual((STATE.duties[15], STATE.driven[16]), (0, 0))

    def test_the_output_begins_at_its_power_on_level_and_the_post_takes_it_from_there(self):
        found = dict(PICO)
        found["lamp"] = dict(PICO["lamp"], power_on_pm=600)
        rig = Rig(found, rp2.Board)
        duties = [value for _, what, value in STATE.history if what == "pwm 15"]
        self.assertEqual(rig.first[0], {15: 41942})
        self.assertEqual(duties[0], 41942)
        self.assertEqual(duties[-1], 65535)  # without a plan: full
        rig.run(2000)
        self.assertEqual(STATE.duties[15], 65535)

    def test_its_turn_is_written_down_where_it_is_asked_for(self):
        journal = Journal(Flash())
        relay = {"pin": 16, "stagger_ms": 50}
        for section, kept in ((None, None), ({"pin": 16}, None), (relay, b"\x07")):
            whole = config.read(json.dumps(dict(PICO, relay=section)), "rp2", rp2.Board.pins)
            keep_turn(whole, journal, 7)
            self.assertEqual(journal.get("turn"), kept)


class Esp32Test(unittest.TestCase):
    def test_inverted_output_and_a_relay_that_is_low_when_on(self):
        rig = Rig(ESP32, esp32.Board)
        self.assertEqual(rig.first, ({25: 0}, {26: 0, 4: 0, 13: 0}))
        self.assertEqual(rig.type("level 0 1m", 2), "ok\n")
        rig.run(20000)
        self.assertEqual((STATE.duties[25], STATE.driven[26]), (65535, 1))
        self.assertEqual(rig.type("identify 2", 2), "ok\n")
        rig.run(1000)
        self.assertTrue(len([1 for _, what, _ in STATE.history if what == "pin 13"]) >= 3)
        self.assertEqual(STATE.watchdog_ms, 60000)
