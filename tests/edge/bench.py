"""A post on the bench: records in memory, a gateway's end of the line in hand, time in the test's hand."""

from rig import BUS_KEY, NOON, Random, post_key

from lamppost.limits import TICKS_MASK
from lamppost.post import Post
from lamppost.store.settings import Settings
from lamppost.wire import cbor, messages
from lamppost.wire.access import Timing
from lamppost.wire.errors import WireError
from lamppost.wire.frame import Decoder
from lamppost.wire.gateway_link import GatewayLink

__all__ = ("BUS_KEY", "NOON", "Bench", "Random", "plan_bytes", "post_key")
SENT_MAX = 800  # frames kept for `heard`: a small heap holds no hour of them
ANSWER_MS = Timing(19200).answer_ms  # a POLL's answer lets events pass


def plan_bytes(level_pm=200, neighbours=(), points=(), floor_pm=100, scenes=()):
    """A compiled plan: on from sunset to sunrise at `level_pm`, with a presence profile for everybody."""
    reaches = [[300, 1000], [600, 600], [900, 300]]
    profile = ["walkers", 10, 1000, 8000, reaches, reaches, reaches]
    program = ["park", level_pm, 0, 0, [[1, 0, 2, 0]], [list(point) for point in points]]
    zone = "CET-1CEST,M3.5.0,M10.5.0/3"
    near = [list(neighbour) for neighbour in neighbours]
    lamp = [0, 1000, 40000, 500]
    fields = [1, zone, 50669300, 4615000, floor_pm, 0, [program], [], list(scenes), [profile], near, lamp]
    return cbor.encode(fields)


class Bench:
    """A provisioned post at `address`; `actions` collects what it does, `lamp` what it shows."""

    def __init__(self, address=3, saved=None, pin=b"", seed=1):
        self.address = address
        self.saved = saved if saved is not None else {}
        self.refuses = lambda name: False  # whether flash takes no such record, as a board then tells
        self._refused = False
        if "settings" not in self.saved:
            settings = Settings()
            for name, value in (("identity", "p-%d" % address), ("address", address), ("bus-key", BUS_KEY)):
                settings.put(name, value)
            settings.put("post-key", post_key(address))
            settings.put("pin", pin)
            self.saved["settings"] = settings.to_bytes()
        self.ticks = TICKS_MASK - 3000  # every test goes over the wrap
        self.random = Random(seed)
        self.gateway = GatewayLink({address: post_key(address)}, BUS_KEY, Random(7), 0, lambda counter: None)
        self._decoder = Decoder()
        self._heard = []
        self.start()

    def start(self):
        """Power on."""
        self.lamp = None
        self.said = b""
        self.logged = []
        self.sent = []
        self.post = Post(self.saved.get, self.random)
        self.give(("tick",))

    def give(self, event):
        """Hand over one event now; return its actions."""
        actions, self.deadline = self.post.handle(event, self.ticks & TICKS_MASK)
        for action in actions:
            if action[0] == "save":
                self._save(action[1], action[2])
            elif action[0] == "lamp":
                self.lamp = action[1:]
            elif action[0] == "say":
                self.said += action[1]
            elif action[0] == "log":
                self.logged.append(action[1])
            elif action[0] == "tx":
                self.sent = self.sent[-SENT_MAX:] + self._decoder.feed(action[1])
        return actions

    def _save(self, name, data):
        if self.refuses(name):
            self._refused = True
            self.give(("flash", False, name))
            return
        self.saved[name] = data
        if self._refused:
            self._refused = False
            self.give(("flash", True, name))

    def run(self, ms):
        """Let time pass, waking the post at each of its deadlines."""
        end = self.ticks + ms
        while True:
            wait = (self.deadline - self.ticks) & TICKS_MASK
            if wait > TICKS_MASK // 2:
                wait = 0
            if self.ticks + max(wait, 1) > end:
                break
            self.ticks += max(wait, 1)
            self.give(("tick",))
        self.ticks = end
        self.give(("tick",))

    def heard(self):
        """The messages the gateway took since the last call; an EVENT that was tried again counts once."""
        frames, self.sent = self.sent, []
        fresh = []
        for frame in frames:
            name = (frame.counter, frame.values()[-1]) if frame.type == messages.EVENT else None
            if name is None or name not in self._heard:
                fresh.append(frame)
                self._heard.append(name)
        taken = []
        for frame in fresh:
            try:
                taken.append(self.gateway.receive(frame))
            except WireError:
                if frame.type != messages.EVENT:  # one from before the session is refused, whatever it is
                    raise
        return taken

    def events(self):
        """The EVENT frames sent since the last call of this or of `heard`, every try."""
        frames, self.sent = self.sent, []
        return [frame for frame in frames if frame.type == messages.EVENT]

    def open(self):
        """HELLO, its answer, and a first poll."""
        self.give(("rx", self.gateway.hello(self.address)))
        self.heard()
        return self.ask(messages.POLL, (0, b""))

    def ask(self, kind, values):
        """A request and the values of its answer, None where none came."""
        if kind == messages.POLL:
            values += (1,)  # the whole status, changed or not
        self.give(("rx", self.gateway.request(self.address, kind, values)))
        for _ in range(12):  # events of its own go before the answer to a POLL
            answers = [message.values for message in self.heard() if message.kind != messages.EVENT]
            if answers or kind not in (messages.POLL, messages.KEY):
                break
            self.run(ANSWER_MS)
        return answers[0] if answers else None

    def set_time(self, utc_s):
        if not self.gateway.has_session(self.address):
            self.open()
        self.ask(messages.SET_TIME, (utc_s, 0, 5))

    def send_plan(self, raw):
        """Transfer a plan; return the last answer."""
        from hashlib import sha256

        answer = self.ask(messages.BLOB_BEGIN, (messages.BLOB_PLAN, len(raw), sha256(raw).digest()))
        block = answer[1]
        while answer[0] == messages.MORE:
            answer = self.ask(messages.BLOB_DATA, (block, raw[block * 128 : block * 128 + 128]))
            block = answer[1]
        return answer

    def type(self, line):
        """Type a console line; return the answer's lines."""
        self.said = b""
        self.give(("service", line.encode() + b"\r"))
        return self.said.decode().split("\r\n")[:-1]
