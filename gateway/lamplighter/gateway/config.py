"""The daemon's configuration: one TOML file into frozen values, validated whole before anything starts.

Every fault is found in one pass and is one line that says what to do; an unknown key names the nearest known one.
Keys never stand in this file: they come from `keys_file` (see keys.py). Relative paths count from the file's folder.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamplighter.gateway.fields import Field, Table, boolean, integer, number, one_of, text, texts
from lamplighter.gateway.footfall.flow_crowd import Threshold
from lamplighter.gateway.rollover.keyring import load_keyring
from lamplighter.gateway.rollover.keys import Keys, read_keys
from lamplighter.plans.neighbourhood import FAR_MAX, FarSite, Neighbourhood, neighbourhood
from lamplighter.plans.site import Luminaire, PostSite
from lamplighter.plans.streets import Streets, StreetsError, read_streets
from lamppost.limits import OVERRIDE_MAX_S

ID = r"[a-z0-9-]{1,32}"  # a level of an MQTT topic
BAUDS = (9600, 19200, 38400, 57600, 115200)  # what RS-485 lines of street lengths carry
BUSES_MAX = 8  # lines of a cabinet
POSTS_MAX = 250  # posts of a cabinet
LINE_POSTS_MAX = 64  # of a line: drivers and cable carry no more, and above 192 aliases need addresses
CREDENTIALS = "$CREDENTIALS_DIRECTORY/"
FILE_MAX = 1 << 20  # 250 posts with every option take 60 KB


class ConfigError(ValueError):
    """The configuration cannot be used; `lines` says everything that is wrong with it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Mqtt:
    """How to reach the central broker."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    keepalive_s: int
    inflight: int
    version: str = "auto"


@dataclass(frozen=True, slots=True)
class Bus:
    """One line of posts on one serial port, or (`mqtt`) without a wire on the cabinet's own broker."""

    id: str
    port: str
    baud: int
    turn_ms: int
    reply_ms: int | None
    mqtt: Mqtt | None = None
    cycle_ms: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """One post: its place for the plan compiler, and the groups it is in whatever the plan says."""

    site: PostSite
    groups: tuple[str, ...]
    metered: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the daemon is told."""

    id: str
    site: str
    root: str
    state_dir: Path
    time_offset_s: int
    outbox_mb: int
    status_s: int
    trial_s: int
    homeassistant: bool
    homeassistant_for_s: int
    metrics: str | None
    crowd: Threshold
    party: float
    mqtt: Mqtt
    buses: tuple[Bus, ...]
    posts: tuple[Post, ...]
    keys: Keys
    streets: Streets | None = None
    far: tuple[FarSite, ...] = ()

    @property
    def sites(self) -> list[PostSite]:
        return [post.site for post in self.posts]

    def neighbourhood(self) -> Neighbourhood:
        """Who hears whom, over all lines and to the next cabinets."""
        return neighbourhood(self.sites, self.far, self.streets)

    def boardless(self) -> list[str]:
        """The posts without a key: their boards are still to be found."""
        return [post.site.id for post in self.posts if post.site.id not in self.keys.posts]

    def on_bus(self, bus: str) -> list[PostSite]:
        """The posts of one line."""
        return [post.site for post in self.posts if post.site.bus == bus]


GATEWAY = Table(
    id=Field(text(ID)),
    site=Field(text(ID)),
    root=Field(text(r"[a-z0-9-]{1,32}(/[a-z0-9-]{1,32}){0,3}"), "lamplighter"),
    state_dir=Field(text(r".{1,4096}")),
    keys_file=Field(text(r".{1,4096}")),
    time_offset_s=Field(integer(-4_000_000_000, 4_000_000_000), 0),  # rehearsals and simulations only: another date
    outbox_mb=Field(integer(1, 65536), 256),  # six weeks of 250 posts
    status_s=Field(integer(1, 3600), 30),
    trial_s=Field(integer(1, 86_400), 600),  # a new version of the gateway must be well for so long to stay
    homeassistant=Field(boolean, False),  # tell Home Assistant of every post, and take the levels it sets
    homeassistant_for_s=Field(integer(1, OVERRIDE_MAX_S), 3600),  # such a level ends by itself
    metrics=Field(text(r"([^\s:]{1,253}:)?[0-9]{1,5}"), None),  # [HOST:]PORT of /metrics and /healthz; else loopback
    crowd_percent=Field(integer(1, 100), 70),  # of a group's sensors see somebody for a minute: its lamps are raised
    crowd_off_percent=Field(integer(1, 99), 40),
    crowd_level_percent=Field(integer(0, 100), 100),
    streets=Field(text(r".{1,4096}"), None),  # GeoJSON lines: light goes along them, not through a block
    party=Field(number(1, 10), 1),  # people who walk together, on average; a sensor takes them for one
)
MQTT = Table(
    host=Field(text(r"[^\s]{1,253}")),
    port=Field(integer(1, 65535), 1883),
    username=Field(text(r".{1,128}"), None),
    password_file=Field(text(r".{1,4096}"), None),
    tls=Field(boolean, False),
    tls_ca=Field(text(r".{1,4096}"), None),
    tls_cert=Field(text(r".{1,4096}"), None),
    tls_key=Field(text(r".{1,4096}"), None),
    keepalive_s=Field(integer(5, 3600), 30),
    inflight=Field(integer(1, 20), 20),  # mosquitto's own limit; a larger window gains nothing
    version=Field(one_of("auto", "5", "3.1.1"), "auto"),  # of MQTT; auto: 5 where the broker offers it
)
BUS = Table(
    id=Field(text(ID)),
    port=Field(text(r".{1,4096}"), None),
    baud=Field(one_of(*BAUDS), 19200),
    turn_ms=Field(integer(1, 50), 2),  # as the posts have it (setting turn-ms); lamppost.wire.access.Timing
    reply_ms=Field(integer(10, 1000), None),  # 10 + 5 turn_ms; more only where posts are simulated on a busy machine
    mqtt=Field(text(r"mqtts?://[^\s:/]{1,253}(:[0-9]{1,5})?"), None),  # in the place of port: posts without a wire
    username=Field(text(r".{1,128}"), None),
    password_file=Field(text(r".{1,4096}"), None),
    tls_ca=Field(text(r".{1,4096}"), None),
    cycle_ms=Field(integer(200, 60_000), 2000),  # a post without a wire is asked so often
)
POST = Table(
    id=Field(text(ID)),
    bus=Field(text(ID)),
    address=Field(integer(1, 250)),
    lat=Field(number(-90, 90)),
    lon=Field(number(-180, 180)),
    groups=Field(texts(ID, 32), ()),
    min_percent=Field(number(0, 100), 0),
    max_percent=Field(number(0, 100), 100),
    rated_w=Field(number(0, 2000), 30),
    standby_w=Field(number(0, 2000), 0.3),
    metered=Field(boolean, False),  # it measures its power; else it estimates it from its level
)
FAR = Table(  # a post of another cabinet, near one of ours: their events cross by way of the broker
    id=Field(text(ID)),
    gateway=Field(text(ID)),
    lat=Field(number(-90, 90)),
    lon=Field(number(-180, 180)),
)
TOP = ("gateway", "mqtt", "bus", "post", "far")


def load(path: Path, all_keys: bool = True) -> Config:
    """Read and check the file; without `all_keys` a post with a wire may lack its key: its board is still to be found.
    Raises ConfigError with every fault."""
    reader = _Reader(path, all_keys)
    config = reader.config()
    if reader.faults or config is None:
        raise ConfigError([f"{path}: {fault}" for fault in reader.faults])
    return config


class _Reader:
    """Collects faults while it builds; nothing is returned when there is one."""

    def __init__(self, path: Path, all_keys: bool = True) -> None:
        self.folder = path.parent
        self.all_keys = all_keys
        self.faults: list[str] = []
        self.raw = self._parse(path)

    def _parse(self, path: Path) -> dict[str, Any]:
        try:
            data = path.read_bytes()
            if len(data) > FILE_MAX:
                raise ConfigError([f"{path}: over {FILE_MAX} bytes; is this the right file?"])
            return tomllib.loads(data.decode())
        except OSError as error:
            raise ConfigError([f"{path}: {error.strerror}; give the configuration with --config FILE"]) from None
        except UnicodeDecodeError:
            raise ConfigError([f"{path}: not UTF-8; save the file as UTF-8"]) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{path}: not TOML: {error}"]) from None

    def config(self) -> Config | None:
        unknown = Table(**{name: Field(lambda value: value, None) for name in TOP})
        unknown.unknown(self.raw, "", self.faults)
        gateway = GATEWAY.read(self._table("gateway"), "[gateway] ", self.faults)
        mqtt = self._mqtt()
        buses = [self._bus(row) for row in self._rows("bus", BUS, BUSES_MAX)]
        posts = self._posts({bus.id for bus in buses})
        self._unique("bus", [bus.id for bus in buses])
        self._unique("bus port", [bus.port for bus in buses if bus.port])
        keys = self._keys(gateway, buses, posts)
        crowd = self._crowd(gateway)
        far = self._far(gateway.get("id"))
        gateway["streets"] = self._streets(gateway.get("streets"))
        if self.faults or mqtt is None or crowd is None:
            return None
        del gateway["keys_file"]
        gateway["crowd"] = crowd
        gateway["state_dir"] = self._place(gateway["state_dir"])
        return Config(**gateway, mqtt=mqtt, buses=tuple(buses), posts=tuple(posts), keys=keys, far=tuple(far))

    def _place(self, value: str) -> Path:
        """A path of the configuration; $CREDENTIALS_DIRECTORY/ in front is where systemd puts a service's secrets."""
        if value.startswith(CREDENTIALS):
            return Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nowhere")) / value.removeprefix(CREDENTIALS)
        return self.folder / value

    def _table(self, name: str) -> dict[str, Any]:
        value = self.raw.get(name)
        if isinstance(value, dict):
            return value
        self.faults.append(f"[{name}] is missing; add it")
        return {}

    def _far(self, mine: str | None) -> list[FarSite]:
        found = []
        for row in self._rows("far", FAR, FAR_MAX) if "far" in self.raw else []:
            if row["gateway"] == mine:
                self.faults.append(f"[[far]] {row['id']}: {mine} is this gateway; give the post as a [[post]]")
            found.append(FarSite(row["id"], row["gateway"], round(row["lat"] * 1e6), round(row["lon"] * 1e6)))
        self._unique("far post", [one.key for one in found])
        return found

    def _streets(self, value: str | None) -> Streets | None:
        if value is None:
            return None
        try:
            return read_streets((self.folder / value).read_bytes(), f"[gateway] streets {self.folder / value}")
        except OSError as error:
            self.faults.append(f"[gateway] streets {self.folder / value}: {error.strerror}; mend the path")
        except StreetsError as error:
            self.faults.append(str(error))
        return None

    def _rows(self, name: str, table: Table, most: int) -> list[dict[str, Any]]:
        rows = self.raw.get(name)
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            self.faults.append(f"[[{name}]] is missing; add one for each {name}")
            return []
        if len(rows) > most:
            self.faults.append(f"{len(rows)} [[{name}]] are more than the {most} one gateway serves; split them")
            return []
        found = [table.read(row, f"[[{name}]] {row.get('id', i)}: ", self.faults) for i, row in enumerate(rows, 1)]
        return [row for row in found if row]

    def _mqtt(self) -> Mqtt | None:
        row = MQTT.read(self._table("mqtt"), "[mqtt] ", self.faults)
        if not row:
            return None
        row["password"] = self._password(row.pop("password_file"))
        for name in ("tls_ca", "tls_cert", "tls_key"):
            row[name] = self._file(name, row[name])
        if (row["tls_cert"] is None) != (row["tls_key"] is None):
            self.faults.append("[mqtt] tls_cert and tls_key belong together; give both or none")
        if row["tls_ca"] or row["tls_cert"]:
            row["tls"] = True
        return Mqtt(**row)

    def _bus(self, row: dict[str, Any]) -> Bus:
        where, url = f"[[bus]] {row['id']}", row.pop("mqtt")
        username, password_file, tls_ca = row.pop("username"), row.pop("password_file"), row.pop("tls_ca")
        cycle_ms = row.pop("cycle_ms")
        if (url is None) == (row["port"] is None):
            self.faults.append(f"{where}: give a port, or mqtt for posts without a wire")
        if url is None:
            if username or password_file or tls_ca:
                self.faults.append(f"{where}: username, password_file and tls_ca belong to mqtt; take them out")
            return Bus(**row)
        secure = url.startswith("mqtts:")
        host, _, port = url.partition("//")[2].partition(":")
        row["port"], row["baud"] = "", 0
        password = self._password(password_file, where)
        authority = self._file("tls_ca", tls_ca, where)
        mqtt = Mqtt(
            host, int(port or (8883 if secure else 1883)), username, password, secure, authority, None, None, 15, 20
        )
        return Bus(**row, mqtt=mqtt, cycle_ms=cycle_ms)

    def _crowd(self, gateway: dict[str, Any]) -> Threshold | None:
        if not gateway:
            return None
        on, off = gateway.pop("crowd_percent"), gateway.pop("crowd_off_percent")
        try:
            return Threshold(on, off, gateway.pop("crowd_level_percent") * 10)
        except ValueError as error:
            self.faults.append(f"[gateway] crowd_percent, crowd_off_percent: {error}")
            return None

    def _file(self, name: str, value: str | None, where: str = "[mqtt]") -> Path | None:
        if value is None:
            return None
        path = self._place(value)
        if not path.is_file():
            self.faults.append(f"{where} {name}: there is no file {path}; mend the path")
        return path

    def _password(self, value: str | None, where: str = "[mqtt]") -> str | None:
        if value is None:
            return None
        try:
            return self._place(value).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            self.faults.append(f"{where} password_file: cannot read {self.folder / value}: {error}")
            return None

    def _posts(self, buses: set[str]) -> list[Post]:
        posts = []
        for row in self._rows("post", POST, POSTS_MAX):
            if row["bus"] not in buses:
                self.faults.append(f"[[post]] {row['id']}: there is no bus {row['bus']!r}; add it or mend the name")
            try:
                posts.append(_post(row))
            except ValueError as error:
                self.faults.append(f"[[post]] {error}")
        self._unique("post", [post.site.id for post in posts])
        self._unique("post address", [f"{post.site.bus}/{post.site.address}" for post in posts])
        for bus in sorted(buses):
            count = sum(post.site.bus == bus for post in posts)
            if count > LINE_POSTS_MAX:
                self.faults.append(f"bus {bus} has {count} posts; a line drives at most {LINE_POSTS_MAX}: split it")
        return posts

    def _unique(self, what: str, names: list[str]) -> None:
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.faults.append(f"{what} {name} appears {names.count(name)} times; each must be one of its kind")

    def _keys(self, gateway: dict[str, Any], buses: list[Bus], posts: list[Post]) -> Keys:
        if not gateway:
            return Keys({}, {})
        wanted_posts = [post.site.id for post in posts]
        state = self._place(gateway["state_dir"])
        try:
            ring = load_keyring(state)
        except (OSError, ValueError) as error:
            self.faults.append(f"keyring of {state}: {error}")
            return Keys({}, {})
        wanted_posts = [post for post in wanted_posts if post not in ring.posts]
        wanted_buses = [bus.id for bus in buses if bus.id not in ring.buses]
        wired = {bus.id for bus in buses if bus.mqtt is None}
        may_lack = [] if self.all_keys else [post.site.id for post in posts if post.site.bus in wired]
        keys, faults = read_keys(self._place(gateway["keys_file"]), wanted_buses, wanted_posts, may_lack)
        self.faults.extend(faults)
        return Keys(keys.buses | ring.buses, keys.posts | {post: key for post, (_, key) in ring.posts.items()})


def _post(row: dict[str, Any]) -> Post:
    lamp = Luminaire(
        round(row["min_percent"] * 10), round(row["max_percent"] * 10),
        round(row["rated_w"] * 1000), round(row["standby_w"] * 1000),
    )  # fmt: skip
    place = round(row["lat"] * 1e6), round(row["lon"] * 1e6)
    return Post(PostSite(row["id"], row["address"], row["bus"], *place, lamp), tuple(row["groups"]), row["metered"])
