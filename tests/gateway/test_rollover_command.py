"""`lamplighter rollover` and the daemon as a process, on a real pty with real posts: no key is ever seen."""

import json
import signal
import time

import pytest
from cabinet import start_gateway, stop, write_config
from click.testing import CliRunner
from pty_street import PtyStreet
from street import BUS_KEY, post_key

from lamplighter.gateway.cli_rollover import rollover
from lamplighter.gateway.config import load
from lamplighter.gateway.rollover.keyring import Keyring, load_keyring, save_keyring
from lamplighter.gateway.rollover.rollover_wish import WISH, leave_wish, read_wish
from lamplighter.terminal import BadInput, Failed


@pytest.fixture
def street():
    made = PtyStreet(2)
    yield made
    made.close()


@pytest.fixture
def config(tmp_path, street):
    path = write_config(tmp_path, street.port, ("127.0.0.1", 1), 2)
    (tmp_path / "state").mkdir(mode=0o700)
    return path


def run(config, *arguments: str) -> str:
    words = ["--config", str(config), *arguments]
    done = CliRunner().invoke(rollover, words, standalone_mode=False, catch_exceptions=False)
    assert done.return_value == 0
    return done.output


def wait_for(condition, most_s: float = 60.0) -> None:
    end = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def test_keys_are_rolled_over_while_the_daemon_runs_and_dies(tmp_path, street, config) -> None:
    state, log = tmp_path / "state", tmp_path / "gateway.log"
    gateway = start_gateway(config)
    try:
        wait_for(lambda: log.exists() and log.read_text().count("is online") == 2)
        out = run(config, "--bus", "bus0", "--post", "p02")
        assert "asked for new keys of 1 lines and 1 posts" in out
        wait_for(lambda: load_keyring(state).next_buses or load_keyring(state).last_buses)
        gateway.send_signal(signal.SIGKILL)
        gateway.wait(10)
        gateway = start_gateway(config)
        wait_for(lambda: "p02" in load_keyring(state).posts and load_keyring(state).buses)
        ring = load_keyring(state)
        street.wait_for(lambda s: s.lamps[1].post.settings.get("post-key") == ring.posts["p02"][1])
        street.wait_for(lambda s: {lamp.post.settings.get("bus-key") for lamp in s.lamps} == {ring.buses["bus0"]})
        assert run(config).split() == ["bus0", "forgetting"]
        assert json.loads(run(config, "--json")) == {
            "running": True, "rollover": [{"of": "bus0", "stage": "forgetting"}],
        }  # fmt: skip
        assert stop(gateway) == 0
    finally:
        if gateway.poll() is None:
            gateway.kill()
            gateway.wait(10)
    keys = load(config).keys
    assert keys.buses == ring.buses
    assert keys.posts == {"p01": post_key(1), "p02": ring.posts["p02"][1]}
    assert not (state / WISH).exists()
    for path in state.glob("*.json"):
        assert path.stat().st_mode & 0o77 == 0, path
    text = log.read_text()
    assert "it is in force" in text
    assert "p02: it has a new key" in text
    for key in (*keys.buses.values(), *keys.posts.values(), BUS_KEY):
        assert key.hex()[:12] not in text + out
        assert repr(key)[2:20] not in text


def test_a_wish_waits_for_the_daemon_and_is_never_overwritten(tmp_path, config) -> None:
    assert "the daemon does not run" in run(config, "--all")
    assert read_wish(tmp_path / "state" / WISH) == ({"bus0": b""}, {"p01": b"", "p02": b""})
    assert (tmp_path / "state" / WISH).stat().st_mode & 0o77 == 0
    with pytest.raises(Failed, match="another rollover"):
        run(config, "--bus", "bus0")
    assert list((tmp_path / "state").glob("*.new")) == []


def test_keys_of_a_file_are_taken_and_wrong_ones_named(tmp_path, config) -> None:
    given = tmp_path / "new.json"
    given.write_text(json.dumps({"bus_keys": {"bus0": "ab" * 32}, "posts": {"p01": "cd" * 32}}))
    given.chmod(0o600)
    run(config, "--keys", str(given))
    assert read_wish(tmp_path / "state" / WISH) == ({"bus0": b"\xab" * 32}, {"p01": b"\xcd" * 32})
    for raw in ({"posts": {"p01": "ab"}}, {"bus_keys": ["bus0"]}, {"posts": {"p01": 7}}, []):
        given.write_text(json.dumps(raw))
        with pytest.raises(BadInput):
            run(config, "--keys", str(given))
    given.write_text(json.dumps({"posts": {"p01": ""}}))
    given.chmod(0o644)
    with pytest.raises(BadInput, match="others may read it"):
        run(config, "--keys", str(given))
    with pytest.raises(BadInput, match="no line or post 'p9'"):
        run(config, "--post", "p9")
    with pytest.raises(BadInput, match="no line or post 'p01'"):
        run(config, "--bus", "p01")
    (tmp_path / "state" / WISH).unlink()
    assert run(config) == "no key is being rolled over\n"


def test_a_keyring_keeps_what_is_under_way_and_reads_an_older_one(tmp_path) -> None:
    ring = Keyring({"p1": ("ll-1", b"1" * 32)}, {"a": b"2" * 32}, {"b": b"3" * 32}, {"a": b"4" * 32})
    ring.next_posts["p1"], ring.wanted["p2"] = b"5" * 32, b""
    save_keyring(tmp_path, ring)
    assert load_keyring(tmp_path) == ring
    assert "5555" not in repr(ring)
    raw = json.loads((tmp_path / "keyring.json").read_text())
    del raw["rolling"]
    (tmp_path / "keyring.json").write_text(json.dumps(raw))
    assert load_keyring(tmp_path) == Keyring(ring.posts, ring.buses)
    raw["rolling"] = {"next_buses": {"a": "12"}}
    (tmp_path / "keyring.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match="not a keyring"):
        load_keyring(tmp_path)
    ring.adopt("p1", "ll-9", b"6" * 32)
    assert "p1" not in ring.next_posts


def test_a_wish_that_waits_is_not_replaced(tmp_path) -> None:
    leave_wish(tmp_path, {"a": b""}, {})
    with pytest.raises(FileExistsError):
        leave_wish(tmp_path, {"b": b""}, {})
    assert read_wish(tmp_path / WISH) == ({"a": b""}, {})
