"""`lamplighter find` while the daemon serves: a process on a real pty with real posts; killed, and cut off."""

import json
import signal
import socket
import threading

import pytest
from cabinet import start_gateway, stop, write_config
from click.testing import CliRunner
from pty_street import PtyStreet
from street import Lamp, post_key

from boards import factory_key, make_new, run_find, write_manifest
from lamplighter.gateway.cli import gateway
from lamplighter.gateway.config import load
from lamplighter.gateway.rollover.keyring import load_keyring
from lamplighter.gateway.search import find_wire
from lamplighter.gateway.search.hunt import Wanted
from lamplighter.terminal import BadInput, Failed
from lamppost.wire import messages
from lamppost.wire.frame import FINDING, Decoder

COUNT = 3


class Watched(Lamp):
    """A Lamp that does something when it hears a kind of frame of a search: `at[kind]`, once, before or (`behind`)
    after it has answered and stored what it was told."""

    def __init__(self, address: int):
        super().__init__(address)
        self.at: dict = {}
        self.behind = False
        self._ears = Decoder()

    def handle(self, event, now: int) -> list[bytes]:
        deeds = []
        if event[0] == "rx" and self.powered:
            found = [frame.type for frame in self._ears.feed(event[1]) if frame.dst == FINDING]
            deeds = [self.at.pop(kind) for kind in found if kind in self.at]
        if deeds and not self.behind:
            for deed in deeds:
                deed()
            return []
        frames = super().handle(event, now)
        for deed in deeds:
            deed()
        return [] if deeds else frames

    def cut_off(self) -> None:
        self.powered = False


class Site:
    """A street of three posts, its daemon, and a delivery of boards."""

    def __init__(self, folder):
        self.folder, self.state = folder, folder / "state"
        self.street = PtyStreet(COUNT, [Watched(address) for address in range(1, COUNT + 1)])
        self.config = write_config(folder, self.street.port, ("127.0.0.1", 1), COUNT)
        self.config.write_text(self.config.read_text().replace("reply_ms = 200", "reply_ms = 60"))
        self.manifest = write_manifest(folder, 9)
        self.gateway = start_gateway(self.config)

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def all_served(self) -> None:
        """Wait until every post has a session."""
        self.street.wait_for(lambda s: all(self._session(lamp) is not None for lamp in s.lamps))

    @staticmethod
    def _session(lamp):
        return lamp.post.line and lamp.post.line._link.session

    def sessions(self, *addresses: int) -> list[int]:
        return self.street.call(lambda s: [id(self._session(s.lamps[address - 1])) for address in addresses])

    def swap(self, address: int, number: int) -> Watched:
        """A board from the box at this place; wait until the daemon has seen that the old one is gone."""
        before = self.log().count(f"p{address:02} does not answer")
        lamp = self.street.lamps[address - 1]
        self.street.call(lambda _: make_new(lamp, number))
        self.street.wait_for(lambda _: self.log().count(f"p{address:02} does not answer") > before)
        return lamp

    def find(self, *words: str, code: int = 0) -> dict:
        return run_find("--config", str(self.config), "--manifest", str(self.manifest), *words, code=code)

    def restart(self, first: str = "") -> None:
        """The daemon has ended: start it anew, and wait until it serves those that it can."""
        self.gateway.wait(10)
        before = self.log().count(" is online")
        self.gateway = start_gateway(self.config, first)
        self.street.wait_for(lambda _: self.log().count(" is online") >= before + COUNT - 1)
        self.all_but_one_served()

    def all_but_one_served(self) -> None:
        self.street.wait_for(lambda s: sum(self._session(lamp) is not None for lamp in s.lamps) >= COUNT - 1)

    def close(self) -> None:
        if self.gateway.poll() is None:
            self.gateway.kill()
            self.gateway.wait(10)
        self.street.close()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    made.all_served()
    yield made
    made.close()


def test_a_replaced_board_takes_its_place_while_the_others_are_served(site) -> None:
    site.swap(2, 4)
    others = site.sessions(1, 3)
    report = site.find()
    assert [(row["identity"], row["result"]) for row in report["boards"]] == [("ll-4", "unplaced")]
    assert report["silent"] == ["p02"]
    report = site.find("--replace", "p02=ll-4")
    assert report["complete"]
    assert [(row["post"], row["result"], row["was"]) for row in report["boards"]] == [("p02", "adopted", 0)]
    assert report["silent"] == [], "it is served when the command ends"
    assert site.sessions(1, 3) == others, "nobody else was greeted anew"
    site.street.sense(2)
    assert load_keyring(site.state).posts["p02"] == ("ll-4", factory_key(4))
    assert site.find()["boards"] == []
    for name in (find_wire.NAME, "keyring.json"):
        assert (site.state / name).stat().st_mode & 0o77 == 0, name
    assert stop(site.gateway) == 0
    assert "p02: board ll-4 has taken its place" in site.log()
    assert factory_key(4).hex()[:12] not in site.log()
    assert "Traceback" not in site.log()
    assert load(site.config).keys.posts["p02"] == factory_key(4)


def test_a_post_that_answers_is_not_given_away(site) -> None:
    with pytest.raises(Failed, match="p02 still answers, with board post-2"):
        site.find("--replace", "p02=ll-4")
    with pytest.raises(BadInput, match="named twice"):
        site.find("--replace", "p02=ll-4", "--replace", "p03=ll-4")


def test_a_board_that_has_lost_its_address_needs_no_manifest(site) -> None:
    lamp = site.street.lamps[2]

    def lose(street) -> None:
        lamp.post.settings.put("address", 0)
        lamp.flash["settings"] = lamp.post.settings.to_bytes()
        lamp.start()

    site.street.call(lose)
    site.street.wait_for(lambda _: "p03 does not answer" in site.log())
    report = run_find("--config", str(site.config))
    assert [(row["identity"], row["post"], row["result"]) for row in report["boards"]] == [("post-3", "p03", "adopted")]
    assert report["silent"] == []
    assert load_keyring(site.state).posts["p03"] == ("post-3", post_key(3))


def test_a_post_that_was_added_is_filled_without_stopping_the_cabinet(site) -> None:
    """The configuration has it, and the daemon is started anew for that; its board comes when it comes."""
    assert stop(site.gateway) == 0
    keys = json.loads((site.folder / "keys.json").read_text())
    del keys["posts"]["p02"]
    (site.folder / "keys.json").write_text(json.dumps(keys))
    site.street.call(lambda s: make_new(s.lamps[1], 4))
    done = CliRunner().invoke(gateway, ["--config", str(site.config), "--check-config"])
    assert "1 without a board yet (lamplighter find --fill): p02" in done.output
    site.restart()
    assert site.find()["boards"][0]["result"] == "unplaced"
    report = site.find("--fill")
    assert [(row["post"], row["result"]) for row in report["boards"]] == [("p02", "adopted")]
    assert report["silent"] == []
    assert "no board yet, see lamplighter find --fill: p02" in site.log()
    keys["posts"]["p03"] = "12"
    (site.folder / "keys.json").write_text(json.dumps(keys))
    done = CliRunner().invoke(gateway, ["--config", str(site.config), "--check-config"], standalone_mode=False)
    assert done.return_value == 2, "a key that is none is a fault"
    assert '"posts" needs for p03' in done.output


def test_silent_posts_are_looked_for_by_the_daemon_itself_and_strangers_are_named_once(site) -> None:
    assert stop(site.gateway) == 0
    hurry = "from lamplighter.gateway.search import find_desk; find_desk.SILENT_MS, find_desk.AGAIN_MIN_MS = 1000, 500"
    site.restart(hurry)
    site.all_served()
    lost, swapped = site.street.lamps[2], site.street.lamps[1]

    def lose(street) -> None:
        lost.post.settings.put("address", 0)
        lost.flash["settings"] = lost.post.settings.to_bytes()
        lost.start()
        make_new(swapped, 4)

    site.street.call(lose)
    site.street.wait_for(lambda s: lost.post.settings.address == 3 and site._session(lost) is not None)
    assert load_keyring(site.state).posts == {"p03": ("post-3", post_key(3))}
    site.street.wait_for(lambda _: "board ll-4 is here: unknown" in site.log())
    rounds: set[bytes] = set()

    def looked(_) -> int:
        rounds.add(swapped.post.found._round)
        return len(rounds)

    site.street.wait_for(lambda s: looked(s) > 2)  # it is looked for again
    assert site.log().count("board ll-4 is here") == 1
    assert site.find("--replace", "p02=ll-4")["silent"] == []
    assert stop(site.gateway) == 0
    assert "Traceback" not in site.log()


@pytest.mark.parametrize(
    ("kind", "behind"), [(messages.SEARCH, True), (messages.PLACE, False), (messages.PLACE, True)],
    ids=["when-it-was-found", "before-it-took-its-place", "behind-it"],
)  # fmt: skip
def test_the_daemon_is_killed_in_the_middle(site, kind, behind) -> None:
    lamp = site.swap(2, 4)
    lamp.behind = behind
    lamp.at[kind] = lambda: site.gateway.send_signal(signal.SIGKILL)
    with pytest.raises(Failed, match="the daemon has ended"):
        site.find("--replace", "p02=ll-4")
    assert not lamp.at, "it was in the middle"
    taken = site.street.call(lambda _: lamp.post.settings.address)
    assert taken == (2 if (kind, behind) == (messages.PLACE, True) else 0)
    assert "p02" not in load_keyring(site.state).posts
    site.restart()
    report = site.find("--replace", "p02=ll-4")
    result = "stays" if taken else "adopted"
    assert [(row["post"], row["result"]) for row in report["boards"]] == [("p02", result)]
    assert report["silent"] == []


@pytest.mark.parametrize(
    ("kind", "behind"), [(messages.SEARCH, False), (messages.PLACE, False), (messages.PLACE, True)],
    ids=["before-it-was-found", "before-it-took-its-place", "behind-it"],
)  # fmt: skip
def test_the_power_of_the_board_is_cut_in_the_middle(site, kind, behind) -> None:
    lamp = site.swap(2, 4)
    lamp.behind = behind
    lamp.at[kind] = lamp.cut_off
    report = site.find("--replace", "p02=ll-4")
    assert not lamp.at
    assert [row["result"] for row in report["boards"]] == ([] if kind == messages.SEARCH else ["deaf"])
    assert report["silent"] == ["p02"]

    def mains(street) -> None:
        lamp.powered = True
        lamp.start()

    site.street.call(mains)
    report = site.find("--replace", "p02=ll-4")
    assert [row["post"] for row in report["boards"]] == ["p02"]
    assert report["silent"] == []
    assert load_keyring(site.state).posts["p02"] == ("ll-4", factory_key(4))


def test_whoever_asks_wrongly_gets_one_line_and_whoever_goes_away_ends_nothing(site) -> None:
    def say(data: bytes, hear: bool = True) -> dict:
        with socket.socket(socket.AF_UNIX) as caller, find_wire.address(site.state) as name:
            caller.settimeout(30)
            caller.connect(name)
            caller.sendall(data)
            if not hear:
                return {}
            with caller.makefile("rb") as answers:
                return json.loads(answers.readlines()[-1])

    good = json.loads(find_wire.ask(Wanted("bus0")))
    wrong = (
        b"\xff\xfe\n", b"[]\n", b"[" * 50_000 + b"\n", b"{" + b" " * find_wire.LINE_MAX + b"}\n",
        *(
            find_wire.say(good | change)
            for change in (
                {"v": 2}, {"more": 1}, {"bus": 7}, {"bus": "bus9"}, {"fill": 1}, {"boards": {"a": "12"}},
                {"boards": []}, {"replace": {"p09": "x"}}, {"replace": {"p02": ""}}, {"replace": {"p02": "x" * 33}},
                {"replace": {"p01": "x", "p02": "x"}}, {"replace": {"p02": "\x1b[2J"}}, {"boards": {"a": None}},
            )
        ),
    )  # fmt: skip
    for data in wrong:
        answer = say(data)
        assert set(answer) == {"error", "hint"}, data[:80]
        assert "\n" not in answer["error"]
    say(find_wire.ask(Wanted("bus0")), hear=False)
    site.street.wait_for(lambda s: any(lamp.post.found._round for lamp in s.lamps))
    answers: list[dict] = []
    callers = [threading.Thread(target=lambda: answers.append(say(find_wire.ask(Wanted("bus0"))))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert [set(answer) for answer in answers] == [{"report"}] * 3, "one after the other"
    assert run_find("--config", str(site.config))["boards"] == []
    assert stop(site.gateway) == 0
    assert "Traceback" not in site.log()
    assert "never retrieved" not in site.log()
