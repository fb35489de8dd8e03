"""A scripted gateway on the real broker: it answers requests and reports plans as the contract of topics says.

It stands in for the cabinet only here, where the office side is tested by itself; tests/system runs the real one.
"""

import json
import threading

import paho.mqtt.client as paho
import pytest
from click.testing import CliRunner

from lamplighter.cli import lamplighter
from lamplighter.plans.compile import compile_for
from lamplighter.plans.document import PlanFileError, load_value
from lamplighter.plans.hashing import plan_hash
from lamplighter.plans.site import PostSite

ROOT = "test"
SITE = "louvain"
POSTS = ["p01", "p02", "p03"]
UTC = "2026-06-21T22:00:00Z"
PLAN_STEP = {
    "layer": "plan",
    "op": "set",
    "level_percent": 30,
    "won": False,
    "until": UTC,
    "text": "path: 22:30 -> 30 %",
}
WALKER = {"layer": "presence", "op": "raise", "level_percent": 60, "won": True, "until": None, "text": "walker at p02"}
CHAIN = [PLAN_STEP, WALKER]
STATE = {
    "v": 1,
    "level_percent": 60.0,
    "target_percent": 60.0,
    "why": "presence",
    "power_w": 18.2,
    "plan": "0123456789abcdef",
    "faults": [],
    "utc": UTC,
}


class Gateway:
    """`refuses` maps posts to a reason; `silent` stops all answers; `received` keeps (topic, body) of what came."""

    def __init__(self, broker: tuple[str, int], name: str) -> None:
        self.base = f"{ROOT}/{SITE}/{name}"
        self.sites = [PostSite(p, i, "bus0", 50_669_300 + i * 250, 4_615_000) for i, p in enumerate(POSTS, 1)]
        self.refuses: dict[str, str] = {}
        self.slow: set[str] = set()
        self.silent = False
        self.error = ""
        self.received: list[tuple[str, dict]] = []
        self.ready = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda *_: self.client.subscribe(
            [(f"{self.base}/desired/plans", 1), (f"{self.base}/desired/firmware", 1), (f"{self.base}/request", 1)]
        )
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = self._message
        self.client.connect(*broker)
        self.client.loop_start()
        assert self.ready.wait(10)

    def close(self) -> None:
        self.say("status", None, retain=True)
        self.client.disconnect()
        self.client.loop_stop()

    def say(self, topic: str, body, retain: bool = False) -> None:
        payload = json.dumps(body).encode() if body is not None else b""
        self.client.publish(f"{self.base}/{topic}", payload, qos=1, retain=retain)

    def online(self, online: bool = True) -> None:
        status = {"v": 1, "online": online, "version": "0.1.0", "posts": 3, "posts_online": 2, "backlog": 7}
        self.client.publish(f"{self.base}/status", json.dumps(status), qos=1, retain=True).wait_for_publish(10)

    def _message(self, _client, _data, message) -> None:
        topic = message.topic.removeprefix(self.base + "/")
        body = json.loads(message.payload)
        self.received.append((topic, body))
        if self.silent:
            return
        if topic == "desired/firmware":
            self._firmware(body)
        else:
            self._plan(body) if topic == "desired/plans" else self._request(body)

    def _firmware(self, desired: dict) -> None:
        report = {"v": 1, "hash": "0" * 16, "accepted": True, "error": None, "images": {}, "posts": {}}
        self.say("reported/firmware", report, retain=True)  # of what was wanted before: it must not count
        report["hash"] = desired["hash"]
        if self.error:
            self.say("reported/firmware", report | {"accepted": False, "error": self.error}, retain=True)
            return
        board = desired["firmware"]["board"]
        for percent in (0, 50, 100) if desired["firmware"]["image"] else ():
            for post in POSTS:
                state = "installed" if percent == 100 and post not in self.slow else "sending"
                row = {"board": board, "state": state, "percent": percent, "reason": ""}
                if post in self.refuses:
                    row |= {"state": "refused", "reason": self.refuses[post]}
                report["posts"][post] = row
            self.say("reported/firmware", report, retain=True)
        if not desired["firmware"]["image"]:
            self.say("reported/firmware", report, retain=True)

    def _plan(self, desired: dict) -> None:
        report = {"v": 1, "desired": "0" * 16, "accepted": True, "error": None, "posts": {}}
        self.say("reported/plans", report, retain=True)  # an older plan's report must not count
        report["desired"] = desired["hash"]
        try:
            document = load_value(desired["plan"])
            hashes = {site.id: plan_hash(compile_for(document, site, self.sites)) for site in self.sites}
        except PlanFileError as fault:
            self.say("reported/plans", report | {"accepted": False, "error": str(fault)}, retain=True)
            return
        if self.error:
            self.say("reported/plans", report | {"accepted": False, "error": self.error}, retain=True)
            return
        for done in range(len(POSTS) + 1):
            for number, post in enumerate(POSTS):
                result = "waiting" if number >= done or post in self.slow else "applied"
                result = "refused" if result == "applied" and post in self.refuses else result
                applied = hashes[post] if result == "applied" else None
                reason = self.refuses.get(post, "") if result == "refused" else ""
                report["posts"][post] = {
                    "desired": hashes[post],
                    "applied": applied,
                    "result": result,
                    "reason": reason,
                }
            self.say("reported/plans", report, retain=True)

    def _request(self, request: dict) -> None:
        self.say("response", {"v": 1, "transaction": "of-another-desk", "ok": False, "error": "not yours"})
        answer = {"v": 1, "transaction": request["transaction"], "ok": True, "posts": {}}
        if self.error:
            self.say("response", answer | {"ok": False, "error": self.error})
            return
        wanted = POSTS if request.get("all") or "posts" not in request else request["posts"]
        for post in wanted:
            answer["posts"][post] = self._post(request["command"], post)
        answer["ok"] = all(post["ok"] for post in answer["posts"].values())
        if request["command"] == "snapshot":
            answer["status"] = {"v": 1, "online": True, "version": "0.1.0", "posts": 3, "posts_online": 2, "backlog": 7}
        self.say("response", answer)

    def _post(self, command: str, post: str) -> dict:
        if post not in POSTS:
            return {"ok": False, "error": f'there is no post "{post}"'}
        if post in self.refuses:
            return {"ok": False, "error": self.refuses[post]}
        if command == "snapshot":
            return {"ok": True, "online": post != "p03"} | STATE | {"post": post}
        if command == "why":
            return {"ok": True, "utc": UTC, "level_percent": 60, "layer": "presence", "chain": CHAIN}
        return {"ok": True}

    def of(self, topic: str) -> list[dict]:
        return [body for name, body in self.received if name == topic]


@pytest.fixture
def gateway(mosquitto, request):
    """A gateway of its own for each test, online."""
    name = f"gw-{abs(hash(request.node.nodeid)) % 10**9}"
    gateway = Gateway(mosquitto, name)
    gateway.online()
    yield gateway
    gateway.close()


@pytest.fixture
def desk(mosquitto, gateway):
    """Run `lamplighter` with this gateway's address in the environment; returns click's result."""
    host, port = mosquitto
    env = {
        "LAMPLIGHTER_BROKER": f"{host}:{port}",
        "LAMPLIGHTER_ROOT": ROOT,
        "LAMPLIGHTER_SITE": SITE,
        "LAMPLIGHTER_GATEWAY": gateway.base.split("/")[-1],
    }
    return lambda *args, **more: CliRunner().invoke(lamplighter, [str(arg) for arg in args], env=env | more)


@pytest.fixture
def lamp():
    """Run `lamplighter` with nothing in the environment."""
    empty = dict.fromkeys(["LAMPLIGHTER_BROKER", "LAMPLIGHTER_ROOT", "LAMPLIGHTER_SITE", "LAMPLIGHTER_GATEWAY"])
    return lambda *args, **more: CliRunner().invoke(lamplighter, [str(arg) for arg in args], env=empty | more)
