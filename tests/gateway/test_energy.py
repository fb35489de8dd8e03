"""Energy adds up whatever the posts forget; caps keep the safe floor, at the gateway and at the real post."""

import json
import random
from importlib.resources import files
from types import SimpleNamespace

import pytest
from boxes import Opened, entry
from cabinet import Centre, start_gateway, stop, write_config
from pty_street import PtyStreet

from lamplighter.gateway.lines import line
from lamplighter.gateway.reports.energy import Total, level_for, plus, power_mw, zone
from lamplighter.gateway.reports.energy_desk import EnergyDesk
from lamplighter.gateway.wanted import commands
from lamplighter.plans.hashing import document_hash
from lamplighter.plans.site import Luminaire
from lamppost.wire import messages

LAMP = Luminaire(0, 1000, 40_000, 500)


def test_a_reading_counts_once_and_late_ones_change_nothing() -> None:
    total = plus(None, 1, 5, 1000, 10)
    total = plus(total, 1, 6, 1500, 20)
    assert total == Total(1, 6, 0, 1500, 20)
    assert plus(total, 1, 6, 1500, 20) is None
    assert plus(total, 1, 5, 1000, 10) is None


def test_a_power_cut_and_another_board_take_nothing_back() -> None:
    total = plus(None, 1, 1, 10_000, 10)
    total = plus(total, 1, 2, 9_400, 20)  # it had not saved its last 600
    assert total.mwh == 10_000
    total = plus(total, 1, 3, 9_900, 30)
    assert total.mwh == 10_500
    total = plus(total, 2, 1, 300, 40)  # a new board, from zero
    assert total.mwh == 10_800
    assert plus(total, 2, 2, 1300, 50).mwh == 11_800


def test_readings_of_an_earlier_epoch_that_come_again_are_no_new_meter(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db")
    desk = EnergyDesk(SimpleNamespace(config=SimpleNamespace(posts=[]), database=box.database, outbox=box.outbox))

    def told(epoch: int, *readings: tuple[int, int]) -> int:
        got = line.Items(7, epoch, [(seq, messages.READING, 0, 500, 0, count_mwh) for seq, count_mwh in readings])
        desk.items("p01", got)
        box.append(*[entry(seq, epoch=epoch) for seq, _ in readings])
        return desk.totals["p01"].mwh

    assert told(1, (1, 1000), (2, 2000)) == 2000
    assert told(2, (9, 5000)) == 5000
    assert told(1, (1, 1000), (2, 2000)) == 5000
    assert told(1, (3, 6000)) == 6000
    box.database.close()


def test_a_random_life_adds_up() -> None:
    chance = random.Random(4)
    for _ in range(200):
        used = count = saved = seq = 0
        epoch, total, unseen = 1, None, 0
        for _ in range(300):
            more = chance.randrange(0, 100)
            used, count, seq = used + more, count + more, seq + 1
            if chance.random() < 0.1:
                saved = count
            if chance.random() < 0.03 and count > 2 * (count - saved):
                unseen += count - (total.count_mwh if total else 0)  # used since the last reading, and forgotten
                count = saved
            before = total
            total = plus(total, epoch, seq, count, seq) or total
            assert before is None or total.mwh >= before.mwh, "it only rises"
            assert plus(total, epoch, seq, count, seq) is None
        assert 0 <= used - total.mwh <= unseen + 100


def test_metered_and_estimated_are_never_mixed() -> None:
    totals = {"p01": Total(1, 1, 0, 2000, 0), "p02": Total(1, 1, 500, 500, 0)}
    assert zone("park", ["p01", "p02", "p03"], totals, frozenset({"p02"})) == {
        "zone": "park", "posts": 3, "reported": 2, "metered_wh": 1.0, "estimated_wh": 2.0
    }  # fmt: skip


def test_a_power_limit_is_the_highest_level_within_it_and_never_below_the_floor() -> None:
    lamps = [LAMP] * 10
    for limit_w in range(0, 500, 7):
        level = level_for(limit_w * 1000, lamps, 200)
        assert level >= 200
        if level > 200:
            assert sum(power_mw(lamp, level) for lamp in lamps) <= limit_w * 1000
        if level < 1000:
            assert sum(power_mw(lamp, level + 1) for lamp in lamps) > limit_w * 1000
    assert level_for(0, [], 300) == 1000


def request(**fields) -> commands.Request:
    value = {"v": 1, "transaction": "t", "expires": "2026-06-17T08:30:00Z", "command": "cap", "for_s": 60, "all": True}
    return commands.read(json.dumps(value | fields).encode(), ["p01"], {}, 835_000_000)


def test_a_cap_is_a_level_or_a_power() -> None:
    assert request(level_percent=30).level_pm == 300
    assert request(power_w=12.5).limit_mw == 12_500
    for fields, words in (
        ({}, "give one of them"),
        ({"level_percent": 1, "power_w": 1}, "give one of them"),
        ({"power_w": -1}, '"power_w"'),
        ({"power_w": True}, '"power_w"'),
        ({"level_percent": 30, "for_s": None}, '"for_s"'),
        ({"command": "clear", "layer": "plan"}, '"layer"'),
    ):
        with pytest.raises(commands.RequestError, match=words):
            request(**fields)


@pytest.mark.system
async def test_no_cap_darkens_a_real_post_below_its_plans_floor(tmp_path, mosquitto) -> None:
    street = PtyStreet(2)
    process = start_gateway(write_config(tmp_path, street.port, mosquitto, 2))
    centre = Centre(mosquitto)
    plan = json.loads(files("lamplighter.plans").joinpath("examples/park-presence.json").read_text())
    plan["groups"] = [{"id": "paths", "posts": "all", "calendar": plan["calendars"][0]["id"]}]
    plan.pop("eventScenes", None)
    plan["safeFloor"] = 25
    try:
        async with centre.listening():
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == 2)
            await centre.until(lambda: centre.state("p01").get("level_percent") == 100)  # it has faded up
            await centre.ask("cap", "early", all=True, level_percent=0, for_s=600)
            await centre.ask("why", "early-why", posts=["p01"])  # asked of the post itself: it has the cap by now
            assert centre.state("p01")["target_percent"] == 100, "without a plan the floor is unknown"
            await centre.ask("clear", "early-2", all=True, layer="energy cap")
            await centre.desire({"v": 1, "hash": document_hash(plan), "plan": plan})
            await centre.until(
                lambda: (
                    {row["result"] for row in centre.last.get("reported/plans", {}).get("posts", {}).values()}
                    == {"applied"}
                )
            )
            await centre.ask("override", "up", all=True, level_percent=100, for_s=600)
            await centre.until(lambda: centre.state("p02").get("target_percent") == 100)
            await centre.ask("clear", "down", all=True)
            for name, fields in (("c1", {"level_percent": 0}), ("c2", {"power_w": 0})):
                answer = await centre.ask("cap", name, all=True, for_s=600, **fields)
                assert answer["ok"], answer
                answer = await centre.ask("why", f"why-{name}", posts=["p01"])
                rows = [row for row in answer["posts"]["p01"]["chain"] if row["layer"] == "energy cap"]
                assert [(row["op"], row["level_percent"]) for row in rows] == [("cap", 25.0)]
            assert (await centre.ask("cap", "c2", all=True, for_s=600, power_w=0))["level_percent"] == 25.0
            for topic in [*centre.last, "desired/plans"]:
                await centre.client.publish(f"lamplighter/lln/gw1/{topic}", b"", qos=1, retain=True)
    finally:
        stop(process)
        street.close()
