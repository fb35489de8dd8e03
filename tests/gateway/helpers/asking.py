"""What tests ask of the posts of a Street: plans of their own, and procedures."""

import json
from importlib.resources import files

from street import Street

from lamplighter.gateway.lines import line
from lamplighter.plans.compile import compile_for
from lamplighter.plans.document import load
from lamplighter.plans.site import PostSite


def park(level: int = 30) -> dict:
    """The example of a park, in which everybody walks."""
    plan = json.loads(files("lamplighter.plans").joinpath("examples/park-presence.json").read_text())
    plan["groups"] = [{"id": "paths", "posts": "all", "calendar": plan["calendars"][0]["id"]}]
    plan["controlPrograms"][0]["level"] = level
    plan.pop("eventScenes", None)
    return plan


def plan_of(address: int) -> bytes:
    text = files("lamplighter.plans").joinpath("examples/park-presence.json").read_text()
    value = json.loads(text)
    value["groups"] = [{"id": "all", "posts": "all", "calendar": value["calendars"][0]["id"]}]
    value.pop("eventScenes", None)
    site = PostSite(f"p{address}", address, "bus0", 50_669_300, 4_615_000)
    return compile_for(load(json.dumps(value)), site, [site])


def ask(street: Street, name: str, address: int, procedure, for_ms: int = 30_000, background: bool = False) -> None:
    street.give(line.Ask(name, address, procedure, street.now + for_ms, background))
