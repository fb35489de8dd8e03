"""The configuration: a good one as it is documented, and every kind of fault as one line that says what to do."""

import json
import subprocess
import sys

import pytest
from cabinet import write_config
from hypothesis import given, settings
from hypothesis import strategies as st

from lamplighter.gateway.config import ConfigError, load
from lamplighter.plans.site import Luminaire

FULL = """
[gateway]
id = "gw1"
site = "lln"
state_dir = "state"
keys_file = "keys.json"

[mqtt]
host = "broker.example"
username = "gw1"
password_file = "password"

[[bus]]
id = "bus0"
port = "/dev/ttyUSB0"

[[post]]
id = "p01"
bus = "bus0"
address = 1
lat = 50.6693
lon = 4.6150
groups = ["square"]
min_percent = 10
max_percent = 90
rated_w = 38.5
standby_w = 0.4
"""


@pytest.fixture
def folder(tmp_path):
    keys = {"bus_keys": {"bus0": "11" * 32}, "posts": {"p01": "22" * 32}}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (tmp_path / "keys.json").chmod(0o600)
    (tmp_path / "password").write_text("secret\n")
    return tmp_path


def faults(folder, text: str) -> list[str]:
    (folder / "gateway.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(folder / "gateway.toml")
    assert all("\n" not in text for text in caught.value.lines)
    return [text.removeprefix(f"{folder}/gateway.toml: ") for text in caught.value.lines]


def test_a_whole_configuration(folder) -> None:
    (folder / "gateway.toml").write_text(FULL)
    config = load(folder / "gateway.toml")
    assert (config.root, config.id, config.site) == ("lamplighter", "gw1", "lln")
    assert config.state_dir == folder / "state"
    assert (config.mqtt.port, config.mqtt.password, config.mqtt.inflight) == (1883, "secret", 20)
    assert (config.buses[0].baud, config.buses[0].turn_ms, config.buses[0].reply_ms) == (19200, 2, None)
    site = config.posts[0].site
    assert (site.lat_ud, site.lon_ud) == (50_669_300, 4_615_000)
    assert site.luminaire == Luminaire(100, 900, 38_500, 400)
    assert config.keys.posts["p01"] == bytes.fromhex("22" * 32)
    assert "22" not in repr(config.keys)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "gw1"', 'id = "GW 1"', "[gateway] id: 'GW 1' must be text like [a-z0-9-]{1,32}"),
        ('site = "lln"', 'sight = "lln"', "[gateway] unknown key 'sight'; did you mean 'site'?"),
        ('site = "lln"', "", "[gateway] site is missing; add it"),
        ("[mqtt]", "[mqt]", "unknown key 'mqt'; did you mean 'mqtt'?"),
        ('username = "gw1"', "port = 70000", "[mqtt] port: '70000' must be a whole number from 1 to 65535"),
        ('username = "gw1"', 'tls_cert = "no"', "tls_cert and tls_key belong together; give both or none"),
        ('username = "gw1"', 'tls_ca = "no"', "[mqtt] tls_ca: there is no file"),
        ('"password"', '"passwort"', "[mqtt] password_file: cannot read"),
        ('port = "/dev/ttyUSB0"', 'port = "/dev/x"\nbaud = 19201', "[[bus]] bus0: baud: '19201' must be one of 9600"),
        ("address = 1", "address = 251", "[[post]] p01: address: '251' must be a whole number from 1 to 250"),
        ("address = 1", "address = true", "[[post]] p01: address: 'True' must be a whole number"),
        ("lat = 50.6693", "lat = nan", "[[post]] p01: lat: 'nan' must be a number from -90 to 90"),
        ('bus = "bus0"\naddress', 'bus = "bus9"\naddress', "[[post]] p01: there is no bus 'bus9'"),
        ("min_percent = 10", "min_percent = 95", "luminaire levels 950..900 must lie in 0..1000"),
        ('groups = ["square"]', 'groups = "square"', "groups: 'square' must be a list of at most 32 names"),
        ('id = "p01"', 'id = "p77"', '"posts" needs for p77 a key of 64 hexadecimal digits'),
        ("[gateway]", "[gateway", "not TOML:"),
        ('"keys.json"', '"nokeys.json"', "No such file or directory; make the keys with 'lamplighter provision'"),
    ],
)
def test_every_fault_is_one_line(folder, old, new, words) -> None:
    assert old in FULL
    assert any(words in text for text in faults(folder, FULL.replace(old, new, 1)))


def test_all_faults_are_told_together(folder) -> None:
    text = FULL.replace('site = "lln"', "x = 1").replace("address = 1", "address = 0").replace("lon = 4.6150", "")
    assert len(faults(folder, text)) == 4


def test_two_of_a_kind(folder) -> None:
    twice = FULL + FULL[FULL.index("[[post]]") :] + FULL[FULL.index("[[bus]]") : FULL.index("[[post]]")]
    told = faults(folder, twice)
    assert "post p01 appears 2 times; each must be one of its kind" in told
    assert "post address bus0/1 appears 2 times; each must be one of its kind" in told
    assert "bus bus0 appears 2 times; each must be one of its kind" in told
    assert "bus port /dev/ttyUSB0 appears 2 times; each must be one of its kind" in told


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_keys_that_others_may_read_are_refused(folder, mode) -> None:
    (folder / "keys.json").chmod(mode)
    told = faults(folder, FULL)
    assert told == [
        f"keys_file {folder}/keys.json: others may read it (mode {mode:04o}); run  chmod 600 {folder}/keys.json"
    ]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"bus_keys": 3, "posts": {"p01": "12"}}', "[" * 100_000])
def test_a_bad_keys_file_is_told_without_its_content(folder, content) -> None:
    (folder / "keys.json").write_text(content)
    assert all('"12"' not in text for text in faults(folder, FULL))


STREETS = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry":
{"type": "LineString", "coordinates": [[4.6150, 50.6693], [4.6160, 50.6693]]}}]}"""
FAR = '[[far]]\nid = "p01"\ngateway = "gw2"\nlat = 50.6693\nlon = 4.6155\n'


def test_posts_of_other_cabinets_and_streets(folder) -> None:
    (folder / "streets.geojson").write_text(STREETS)
    (folder / "gateway.toml").write_text(FULL.replace("[mqtt]", 'streets = "streets.geojson"\n[mqtt]', 1) + FAR)
    config = load(folder / "gateway.toml")
    assert [one.key for one in config.far] == ["gw2/p01"]
    hood = config.neighbourhood()
    assert [near.key for near in hood.near["p01"]] == ["gw2/p01"]
    assert hood.wanted == {"p01": ("gw2",)}


def test_faults_of_other_cabinets_and_streets(folder) -> None:
    assert faults(folder, FULL + FAR + FAR) == ["far post gw2/p01 appears 2 times; each must be one of its kind"]
    told = faults(folder, FULL + FAR.replace("gw2", "gw1"))
    assert told == ["[[far]] p01: gw1 is this gateway; give the post as a [[post]]"]
    told = faults(folder, FULL + FAR.replace("lat = 50.6693", "lat = 91"))
    assert told == ["[[far]] p01: lat: '91' must be a number from -90 to 90"]
    (told,) = faults(folder, FULL.replace("[mqtt]", 'streets = "none.geojson"\n[mqtt]', 1))
    assert "none.geojson: No such file or directory; mend the path" in told
    (folder / "streets.geojson").write_text("{}")
    (told,) = faults(folder, FULL.replace("[mqtt]", 'streets = "streets.geojson"\n[mqtt]', 1))
    assert "not a FeatureCollection; export the streets as GeoJSON" in told
    assert len(faults(folder, FULL + "".join(FAR.replace("p01", f"p{i}") for i in range(251)))) == 1


def test_lines_and_posts_are_bounded(folder) -> None:
    nine = "".join(f'[[bus]]\nid = "b{i}"\nport = "/dev/tty{i}"\n' for i in range(8))
    assert "9 [[bus]] are more than the 8 one gateway serves; split them" in faults(folder, FULL + nine)
    post = FULL[FULL.index("[[post]]") :]
    many = "".join(post.replace("p01", f"q{i}").replace("address = 1", f"address = {i}") for i in range(2, 66))
    told = faults(folder, FULL + many)
    assert "bus bus0 has 65 posts; a line drives at most 64: split it" in told


def check(path, *more: str) -> subprocess.CompletedProcess:
    code = "from lamplighter.cli import main; main()"
    command = [sys.executable, "-c", code, "gateway", "--config", str(path), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_check_config_does_only_that(tmp_path) -> None:
    path = write_config(tmp_path, "/dev/ttyNOSUCH", ("127.0.0.1", 9), 2)
    done = check(path, "--check-config")
    assert (done.returncode, done.stdout) == (0, f"{path}: good; 1 lines, 2 posts\n")
    assert not (tmp_path / "state").exists()


def test_a_wrong_configuration_ends_with_2_and_touches_nothing(tmp_path) -> None:
    path = write_config(tmp_path, "/dev/ttyNOSUCH", ("127.0.0.1", 9), 2, more="statuss_s = 3")
    done = check(path)
    assert done.returncode == 2
    assert done.stderr == f"lamplighter: {path}: [gateway] unknown key 'statuss_s'; did you mean 'status_s'?\n"
    assert not (tmp_path / "state").exists()
    done = check(tmp_path / "none.toml")
    assert done.returncode == 2
    assert "No such file or directory; give the configuration with --config FILE" in done.stderr


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_whatever_breaks_it(tmp_path_factory, text) -> None:
    path = tmp_path_factory.mktemp("any") / "gateway.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    with pytest.raises(ConfigError):
        load(path)


AIR = FULL.replace('port = "/dev/ttyUSB0"', 'mqtt = "mqtts://127.0.0.1"\nusername = "gw1"\npassword_file = "password"')


def test_a_line_without_a_wire_is_configured_in_the_place_of_a_port(folder) -> None:
    (folder / "gateway.toml").write_text(AIR)
    (bus,) = load(folder / "gateway.toml").buses
    assert bus.mqtt is not None
    assert (bus.mqtt.host, bus.mqtt.port, bus.mqtt.tls, bus.mqtt.password) == ("127.0.0.1", 8883, True, "secret")
    assert (bus.baud, bus.cycle_ms) == (0, 2000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FULL.replace('port = "/dev/ttyUSB0"', ""), "[[bus]] bus0: give a port, or mqtt"),
        (AIR.replace('mqtt = "mqtts', 'port = "/dev/x"\nmqtt = "mqtts'), "[[bus]] bus0: give a port, or mqtt"),
        (AIR.replace("mqtts://", "http://"), "[[bus]] bus0: mqtt"),
        (AIR.replace('"password"\n\n[[post', '"nowhere"\n\n[[post'), "[[bus]] bus0 password_file: cannot read"),
        (
            FULL.replace('port = "/dev', 'tls_ca = "ca"\nport = "/dev'),
            "[[bus]] bus0: username, password_file and tls_ca",
        ),
    ],
)
def test_faults_of_such_a_line_are_one_line_each(folder, text: str, said: str) -> None:
    first, *rest = faults(folder, text)
    assert first.startswith(said), first
    assert all("there is no bus" in line for line in rest)
