"""What Home Assistant gets to see: held against its rules, rendered as it renders, and its levels reach real lamps."""

import asyncio
import json

import aiomqtt
import pytest
from cabinet import BASE, Centre, start_gateway, stop, write_config
from homeassistant_rules import faults, render
from judge import Contract
from pty_street import PtyStreet

from lamplighter.gateway.centre.homeassistant import Discovery, wish
from lamplighter.gateway.centre.topics import Topics

TOPICS = Topics("lamplighter", "lln", "gw1")
DISCOVERY = Discovery("homeassistant", "lln", "gw1", TOPICS, "0.1.0")


@pytest.mark.parametrize("message", [DISCOVERY.post("p01", "0.1.0"), DISCOVERY.post("p-2", ""), DISCOVERY.cabinet()])
def test_the_message_is_as_home_assistant_wants_it(message) -> None:
    topic, payload = message
    assert faults(topic, payload) == []
    assert len(json.dumps(payload)) < 8192


def test_the_rules_can_say_no() -> None:
    topic, payload = DISCOVERY.post("p01", "0.1.0")
    for change in (
        {"origin": {}}, {"device": {"name": "x"}}, {"colour": 1}, {"availability_mode": "some"},
        {"components": {"a": {"platform": "light"}}}, {"components": {"a": {"platform": "lamp", "unique_id": "x"}}},
        {"components": {"a": payload["components"]["power"] | {"unit_of_measurement": "kWh"}}},
        {"components": {"a": payload["components"]["light"] | {"command_topic": "a/+/b"}}},
        {"components": {"a": payload["components"]["light"] | {"state_value_template": "{{ x"}}},
    ):  # fmt: skip
        assert faults(topic, payload | change)
    assert faults("homeassistant/light/p 1/config", payload)


def test_every_id_is_of_one_thing_only() -> None:
    devices = [DISCOVERY.post("p01", "")[1], DISCOVERY.post("p02", "")[1], DISCOVERY.cabinet()[1]]
    ids = [component["unique_id"] for device in devices for component in device["components"].values()]
    assert len(set(ids)) == len(ids)
    assert devices[0]["device"]["via_device"] in devices[2]["device"]["identifiers"]


STATE = {"online": True, "level_percent": 42.5, "power_w": 18.2, "faults": ["lamp-dark"], "v": 1}


@pytest.mark.parametrize(
    ("component", "key", "state", "expected"),
    [
        ("light", "state_value_template", STATE, "ON"),
        ("light", "state_value_template", STATE | {"level_percent": 0}, "OFF"),
        ("light", "state_value_template", STATE | {"level_percent": None}, "OFF"),
        ("light", "brightness_value_template", STATE, "42.5"),
        ("light", "brightness_value_template", STATE | {"level_percent": None}, "0"),
        ("power", "value_template", STATE, "18.2"),
        ("fault", "value_template", STATE, "ON"),
        ("fault", "value_template", STATE | {"faults": []}, "OFF"),
        ("presence", "value_template", {"v": 1, "post": "p01"}, "ON"),
    ],
)
def test_a_state_is_read_as_it_is_meant(component, key, state, expected) -> None:
    _, payload = DISCOVERY.post("p01", "")
    assert render(payload["components"][component][key], json.dumps(state)) == expected


def test_a_post_is_available_while_it_and_its_gateway_are_there() -> None:
    _, payload = DISCOVERY.post("p01", "")
    assert payload["availability_mode"] == "all"
    for row in payload["availability"]:
        assert render(row["value_template"], '{"online":true}') == "online"
        assert render(row["value_template"], '{"v":1,"online":false}') == "offline"


def test_a_wish_is_a_level_a_word_or_nothing() -> None:
    assert [wish(text) for text in (b"ON", b"OFF", b"AUTO", b"0", b"42.5", b"100")] == [1000, 0, None, 0, 425, 1000]
    for bad in (b"", b"101", b"-1", b"nan", b"inf", b"on", b"\xff", b"1" * 17, b"0x10", b"[]"):
        with pytest.raises(ValueError, match="is not ON, OFF, AUTO or a percentage"):
            wish(bad)


@pytest.mark.system
async def test_home_assistant_finds_the_posts_and_lights_them(tmp_path, mosquitto) -> None:
    street = PtyStreet(2)
    config = write_config(tmp_path, street.port, mosquitto, 2, "homeassistant = true\nhomeassistant_for_s = 600")
    centre, contract, found, wrong = Centre(mosquitto), Contract(), {}, []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if message.payload:
                found[str(message.topic)] = message.payload
                wrong.extend(contract.faults(str(message.topic), message.payload))
                centre.heard.set()

    async with aiomqtt.Client(*mosquitto) as client, centre.listening():
        await client.subscribe([("homeassistant/#", 1), (f"{BASE}/post/+/presence", 1), (f"{BASE}/post/+/set", 1)])
        await client.publish(f"{BASE}/post/p02/set", b"77", qos=1, retain=True)  # retained: must not act
        task = asyncio.create_task(listen(client))
        process = start_gateway(config)
        try:
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == 2)
            topics = [f"homeassistant/device/gw1/{name}/config" for name in ("p01", "p02", "_cabinet")]
            await centre.until(lambda: set(topics) <= set(found))
            await centre.until(lambda: b'"sw_version":"unknown"' not in found[topics[0]])
            for topic in topics:
                assert faults(topic, json.loads(found[topic])) == []
            light = json.loads(found[topics[0]])["components"]["light"]
            await client.publish(light["brightness_command_topic"], b"35", qos=1)
            await centre.until(lambda: centre.state("p01").get("target_percent") == 35)
            assert centre.state("p01")["why"] == "override"
            await client.publish(light["command_topic"], light["payload_off"], qos=1)
            await centre.until(lambda: centre.state("p01").get("target_percent") == 0)
            answer = await centre.ask("why", "why-1", posts=["p01"])
            assert any(row["text"] == "Home Assistant" and row["until"] for row in answer["posts"]["p01"]["chain"])
            auto = json.loads(found[topics[0]])["components"]["auto"]
            await client.publish(auto["command_topic"], auto["payload_press"], qos=1)
            await centre.until(lambda: centre.state("p01").get("why") != "override")
            await client.publish(light["command_topic"], b"nonsense", qos=1)
            street.sense(2)
            await centre.until(lambda: f"{BASE}/post/p02/presence" in found)
            assert centre.state("p02")["why"] != "override", "what is retained is no command"
            wrong = [fault for fault in wrong if "nonsense" not in fault]
            assert wrong == []
        finally:
            stop(process)
            street.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for topic in [*found, *(f"{BASE}/{name}" for name in centre.last)]:
                await client.publish(topic, b"", qos=1, retain=True)
