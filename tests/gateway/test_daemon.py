"""The daemon as a process: real posts behind a pty, a real broker, an office that publishes and asks."""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from asking import park
from cabinet import Centre, start_gateway, stop, write_config
from pty_street import PtyStreet

from lamplighter.plans.hashing import document_hash
from lamppost.light.layers import EMERGENCY, OPERATOR

COUNT = 3
POSTS = [f"p{address:02}" for address in range(1, COUNT + 1)]


@pytest.fixture
def street():
    street = PtyStreet(COUNT)
    yield street
    street.close()


@pytest.fixture
def gateway(tmp_path, street, mosquitto):
    """Started daemons by config; whatever still runs at the end is killed."""
    config = write_config(tmp_path, street.port, mosquitto, COUNT)
    running = []

    class Gateway:
        log = tmp_path / "gateway.log"

        def start(self):
            running.append(start_gateway(config))
            return running[-1]

        def kill(self):
            running[-1].send_signal(signal.SIGKILL)
            running[-1].wait(10)

        def stop(self):
            return stop(running[-1])

    yield Gateway()
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    print(Gateway.log.read_text() if Gateway.log.exists() else "no daemon ran")  # seen where the test fails


@pytest.fixture
async def centre(mosquitto):
    centre = Centre(mosquitto)
    async with centre.listening():
        yield centre
        for topic in list(centre.last):
            await centre.client.publish(f"lamplighter/lln/gw1/{topic}", b"", qos=1, retain=True)


def desired(plan: dict) -> dict:
    return {"v": 1, "hash": document_hash(plan), "plan": plan}


def applied(centre: Centre, plan: dict) -> bool:
    report = centre.last.get("reported/plans", {})
    rows = report.get("posts", {}).values()
    return report.get("desired") == document_hash(plan) and bool(rows) and all(r["result"] == "applied" for r in rows)


async def all_online(centre: Centre) -> None:
    await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == COUNT)


@pytest.mark.system
async def test_the_whole_day_of_a_cabinet(gateway, street, centre) -> None:
    gateway.start()
    await all_online(centre)
    status = centre.last["status"]
    assert status["online"] is True
    assert status["bus"][0]["id"] == "bus0"
    await centre.until(lambda: len(centre.of_kind("boot")) == COUNT)

    plan = park()
    await centre.desire(desired(plan))
    await centre.until(lambda: applied(centre, plan))
    hashes = street.call(lambda street: [lamp.post.plan_hash.hex() for lamp in street.lamps])
    rows = centre.last["reported/plans"]["posts"]
    assert [rows[post]["applied"] for post in POSTS] == hashes
    await centre.until(lambda: centre.state("p01").get("plan") == hashes[0])

    answer = await centre.ask("override", "t1", groups=["paths"], level_percent=40, for_s=600, reason="market")
    assert answer["ok"], answer
    assert set(answer["posts"]) == set(POSTS)
    await centre.until(lambda: all(centre.state(post).get("target_percent") == 40 for post in POSTS))
    assert centre.state("p02")["why"] == "override"

    answer = await centre.ask("why", "t2", posts=["p02"])
    reasons = answer["posts"]["p02"]
    assert reasons["layer"] == "override"
    assert any(row["text"] == "market" and row["won"] and row["until"] for row in reasons["chain"])

    answer = await centre.ask("why", "t3", posts=["p02"], at="2026-06-21T22:00:00Z")
    assert answer["posts"]["p02"]["utc"] == "2026-06-21T22:00:00Z"
    assert answer["posts"]["p02"]["layer"] == "plan"

    answer = await centre.ask("clear", "t4", all=True)
    assert answer["ok"]
    await centre.until(lambda: all(centre.state(post).get("why") != "override" for post in POSTS))

    answer = await centre.ask("snapshot", "t5")
    assert answer["ok"]
    assert answer["status"]["posts_online"] == COUNT
    assert {post: state["online"] for post, state in answer["posts"].items()} == dict.fromkeys(POSTS, True)

    assert gateway.stop() == 0
    await centre.until(lambda: centre.last["status"]["online"] is False)


@pytest.mark.system
async def test_killed_at_any_moment_it_loses_nothing_and_repeats_nothing(gateway, street, centre) -> None:
    plan, sensed = park(), dict.fromkeys(POSTS, 0)
    gateway.start()
    await all_online(centre)
    await centre.desire(desired(plan))
    await centre.until(lambda: applied(centre, plan))
    transfers = street.call(plans_taken)
    assert transfers == COUNT
    for turn in range(4):
        for step in range(12):
            address = (turn + step) % COUNT + 1
            street.sense(address)
            sensed[f"p{address:02}"] += 1
            await asyncio.sleep(0.013 * (turn + 1) * (step % 3))
        gateway.kill()
        for address in range(1, COUNT + 1):  # the posts notice while nobody listens
            street.sense(address)
            sensed[f"p{address:02}"] += 1
        gateway.start()
    await centre.until(lambda: {post: len(centre.of_kind("presence", post)) for post in POSTS} == sensed, 30)
    unique = {(i["post"], i["post_epoch"], i["post_seq"]) for i in centre.items.values()}
    assert len(unique) == len(centre.items), "no item got a second id"
    await all_online(centre)
    street.wait_for(lambda street: all(len(lamp.post.items) == 0 for lamp in street.lamps))
    await centre.until(lambda: applied(centre, plan))
    assert street.call(plans_taken) == transfers, "posts that run the plan are not sent it again"
    assert len(centre.of_kind("presence")) == sum(sensed.values())
    await centre.until(lambda: centre.last["status"].get("backlog") == 0)


def plans_taken(street) -> int:
    return sum(act[0] == "log" and "applied" in act[1] for lamp in street.lamps for act in lamp.acts)


@pytest.mark.system
async def test_a_request_acts_once_however_often_it_comes(gateway, street, centre) -> None:
    gateway.start()
    await all_online(centre)
    first = await centre.ask("identify", "show-1", posts=["p01"], for_s=1)
    assert first["ok"]
    again = await centre.ask("identify", "show-1", posts=["p01"], for_s=1)
    assert again == first
    gateway.kill()
    await centre.until(lambda: centre.last["status"]["online"] is False)
    gateway.start()
    await all_online(centre)
    third = await centre.ask("identify", "show-1", posts=["p01"], for_s=1)
    assert third == first, "answered from the disk"
    assert street.call(lambda street: street.lamps[0].count("identify", 1)) == 1


BAD_REQUESTS = [
    ({"command": "dance"}, "\"command\" 'dance' is not known; known are snapshot"),
    ({"posts": ["p77"]}, "there is no post 'p77' at this gateway"),
    ({"posts": []}, "say which posts"),
    ({"groups": ["moon"]}, "there is no group 'moon' at this gateway"),
    ({"expires": "2020-01-01T00:00:00Z"}, "expired at 2020-01-01T00:00:00Z"),
    ({"expires": "2999-01-01T00:00:00Z"}, '"expires" is more than 24 h ahead'),
    ({"expires": "soon"}, '"expires" must be a time in UTC'),
    ({"level_percent": 170}, "\"level_percent\" '170' must be a number from 0 to 100"),
    ({"for_s": 10**9}, "\"for_s\" '1000000000' must be a whole number from 1 to 604800"),
    ({"for_s": None}, '"for_s"'),
    ({"reason": "x\n"}, '"reason" must be printable text'),
    ({"reply_to": "a/#"}, '"reply_to" must be a topic without wildcards'),
]


@pytest.mark.system
async def test_a_post_that_lost_its_power_is_told_again_what_it_was_ordered(gateway, street, centre) -> None:
    """[X-7] Also over a kill -9 of the gateway, and both at once."""
    gateway.start()
    await all_online(centre)
    plan = park()
    await centre.desire(desired(plan))
    await centre.until(lambda: applied(centre, plan))
    assert (await centre.ask("override", "t1", all=True, level_percent=40, for_s=600, reason="market"))["ok"]
    assert (await centre.ask("emergency", "t2", posts=["p02"], for_s=600, reason="accident"))["ok"]
    await centre.until(lambda: centre.state("p02").get("why") == "emergency")
    for kill in (False, True):
        if kill:
            gateway.kill()
        for address in (1, 2):
            street.call(lambda street, address=address: street.lamps[address - 1].start())
        if kill:
            gateway.start()
        for address, level_pm in ((1, 400), (2, 1000), (3, 400)):
            street.wait_for(lambda street, a=address, pm=level_pm: told(street, a) == pm, 30)
    assert (await centre.ask("clear", "t3", posts=["p02"], layer="emergency"))["ok"]
    street.call(lambda street: street.lamps[1].start())
    street.wait_for(lambda street: told(street, 2) == 400, 30)


def told(street, address: int) -> int:
    """What the highest order of a post asks for; -1 without one."""
    decision = street.lamps[address - 1].post.decision
    return decision.level_pm if decision and decision.layer in (OPERATOR, EMERGENCY) else -1


@pytest.mark.system
async def test_a_bad_request_is_refused_in_one_line_and_moves_no_lamp(gateway, street, centre) -> None:
    gateway.start()
    await all_online(centre)
    for number, (fields, words) in enumerate(BAD_REQUESTS):
        value = {"command": "override", "posts": ["p01"], "level_percent": 10, "for_s": 60} | fields
        answer = await centre.ask(value.pop("command"), f"bad-{number}", **value)
        assert answer["ok"] is False
        assert words in answer["error"]
        assert "\n" not in answer["error"]
    await centre.client.publish("lamplighter/lln/gw1/request", b"\xff\x00 not JSON", qos=1)
    answer = await centre.ask("snapshot", "still-there", posts=["p01"])
    assert answer["posts"]["p01"]["why"] != "override"


@pytest.mark.system
async def test_a_plan_that_is_not_valid_changes_nothing(gateway, street, centre) -> None:
    gateway.start()
    await all_online(centre)
    plan = park()
    await centre.desire(desired(plan))
    await centre.until(lambda: applied(centre, plan))
    before = street.call(lambda street: [lamp.post.plan_hash for lamp in street.lamps])
    bad = park(170)
    for payload, words in (
        (desired(bad), "170"),
        (desired(park(20)) | {"hash": "0" * 16}, "was changed on its way"),
        ("nonsense", "not JSON"),
        ({"v": 9}, "version '9' is not understood"),
    ):
        await centre.desire(payload)
        await centre.until(lambda words=words: words in (centre.last["reported/plans"]["error"] or ""))
        report = centre.last["reported/plans"]
        assert report["accepted"] is False
        assert {row["result"] for row in report["posts"].values()} == {"applied"}, "the plan in force"
    assert street.call(lambda street: [lamp.post.plan_hash for lamp in street.lamps]) == before
    better = park(45)
    await centre.desire(desired(better))
    await centre.until(lambda: applied(centre, better))
    assert street.call(lambda street: [lamp.post.plan_hash for lamp in street.lamps]) != before


def run_to_end(config: Path) -> tuple[int, list[str]]:
    process = start_gateway(config)
    try:
        code = process.wait(15)
    finally:
        process.kill()
    return code, (config.parent / "gateway.log").read_text().splitlines()


@pytest.mark.system
def test_a_port_that_is_missing_or_taken_is_one_line(tmp_path, street, mosquitto) -> None:
    code, lines = run_to_end(write_config(tmp_path / "none", "/dev/ttyNOSUCH", mosquitto, COUNT))
    assert code == 1
    assert lines[-1] == "lamplighter: bus0: there is no port /dev/ttyNOSUCH; check the cable and [[bus]] port"
    first = start_gateway(write_config(tmp_path / "one", street.port, mosquitto, COUNT))
    try:
        wait_for_line(tmp_path / "one" / "gateway.log", "is open")
        code, lines = run_to_end(write_config(tmp_path / "two", street.port, mosquitto, COUNT))
        assert code == 1
        assert lines[-1].endswith("is already open in another program; close that one")
        code, lines = run_to_end(tmp_path / "one" / "gateway.toml")
        assert code == 1
        assert lines[-1].endswith("is in use by another gateway; stop that one")
    finally:
        first.kill()
        first.wait(10)


@pytest.mark.system
def test_without_a_broker_the_street_runs_on(tmp_path, street) -> None:
    config = write_config(tmp_path, street.port, ("127.0.0.1", 9), COUNT)
    process = start_gateway(config)
    try:
        wait_for_line(tmp_path / "gateway.log", "nothing listens there; is the broker running?")
        street.sense(2)
        street.wait_for(lambda street: all(len(lamp.post.items) == 0 for lamp in street.lamps))
        assert stop(process) == 0
        assert "items wait for the broker" in (tmp_path / "gateway.log").read_text()
    finally:
        process.kill()


def wait_for_line(path: Path, words: str, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not path.exists() or words not in path.read_text():
        assert time.monotonic() < end, path.read_text() if path.exists() else "no log"
        time.sleep(0.02)
