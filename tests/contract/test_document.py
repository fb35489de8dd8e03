"""The contract as a document: whole, without a dead end, and complete against the topics there are in the code."""

import pytest
from jsonschema import Draft7Validator
from judge import Contract

from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.wanted.commands import COMMANDS

DOCUMENT = Contract().document


def walk(value, path=""):
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from walk(item, f"{path}/{number}")


def refs() -> list[tuple[str, str]]:
    return [(path, v["$ref"]) for path, v in walk(DOCUMENT) if isinstance(v, dict) and isinstance(v.get("$ref"), str)]


def test_it_is_asyncapi_3_with_what_that_demands() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for name, channel in DOCUMENT["channels"].items():
        named = {part.split("}")[0] for part in channel["address"].split("{")[1:]}
        assert named == set(channel["parameters"]), f"{name}: every parameter of the address, and no other"
        assert len(channel["messages"]) == 1, name
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        assert operation["channel"]["$ref"].startswith("#/channels/"), name


def test_every_reference_leads_somewhere_and_everything_is_referred_to() -> None:
    contract = Contract()
    for path, ref in refs():
        assert contract.resolve({"$ref": ref}) is not None, path
    used = {ref for _, ref in refs()}
    for part in ("schemas", "messages", "parameters"):
        for name in DOCUMENT["components"][part]:
            assert f"#/components/{part}/{name}" in used, f"{part} {name} is nowhere used"
    operated = {operation["channel"]["$ref"].split("/")[-1] for operation in DOCUMENT["operations"].values()}
    replied = {o["reply"]["channel"]["$ref"].split("/")[-1] for o in DOCUMENT["operations"].values() if "reply" in o}
    assert operated | replied == set(DOCUMENT["channels"])


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_a_schema(name) -> None:
    Draft7Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_topic_of_the_gateway_is_in_it() -> None:
    contract, topics = Contract(), Topics("lamplighter", "lln", "gw1")
    names = {contract.channel(topic) for name, topic in vars(topics).items() if not name.startswith("_")}
    ways = topics.desired, topics.reported
    names |= {contract.channel(way(what)) for way in ways for what in ("groups", "scenes", "firmware")}
    names |= {contract.channel(topics.set("p01")), contract.channel(topics.presence("p01"))}
    names |= {contract.channel("homeassistant/device/gw1/p01/config")}
    names |= {contract.channel(topics.near_to("gw2")), contract.channel(topics.near_from("gw2"))}
    assert names | {contract.channel(topics.state("p01"))} == set(DOCUMENT["channels"])


def test_every_command_is_in_it() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    offered = [
        schemas[one["$ref"].split("/")[-1]]["properties"]["command"]["const"] for one in schemas["request"]["oneOf"]
    ]
    assert sorted(offered) == sorted(COMMANDS)


def test_it_can_say_no() -> None:
    contract, base = Contract(), "lamplighter/lln/gw1"
    assert not contract.faults(f"{base}/status", b'{"v":1,"online":false}')
    assert contract.faults(f"{base}/status", b'{"v":2,"online":false}')
    assert contract.faults(f"{base}/status", b'{"v":1,"online":false,"mood":"good"}'), "what is not written down"
    assert contract.faults(f"{base}/status", b"off")
    with pytest.raises(AssertionError, match="not in the contract"):
        contract.faults(f"{base}/weather", b"{}")
