"""`lamplighter provision` as its user runs it: everything is there, nothing secret is shown, nothing is overwritten."""

import json
import os
import stat

import pytest
from click.testing import CliRunner
from town import NOW, gateway_toml, read

from lamplighter.cli import lamplighter
from lamplighter.gateway.config import load
from lamplighter.gateway.rollover.keys import read_keys
from lamplighter.provision import broker_files, site
from lamplighter.provision.authority import Authority


def run(*words):
    return CliRunner().invoke(lamplighter, ["provision", *map(str, words)])


@pytest.fixture
def made(tmp_path):
    """(folder, what was printed) of a site with two gateways, made under the most careless umask."""
    for name in ("gw1", "gw2"):
        (tmp_path / f"{name}.toml").write_text(gateway_toml(name))
    before = os.umask(0)
    try:
        result = run("site", tmp_path / "site", tmp_path / "gw1.toml", tmp_path / "gw2.toml")
    finally:
        os.umask(before)
    assert result.exit_code == 0, result.output
    return tmp_path / "site", result.output


def secrets_of(folder) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        if path.suffix == ".key" or path.name.endswith("-key"):
            found += [line for line in path.read_text().splitlines() if "PRIVATE" not in line]
        elif path.name == "keys.json":
            value = json.loads(path.read_text())
            found += [*value["bus_keys"].values(), *value["posts"].values()]
    return found


def test_nobody_else_may_read_it_and_nothing_secret_is_printed(made) -> None:
    folder, said = made
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif path.suffix == ".key" or path.name in ("keys.json", "acl") or path.name.endswith("-key"):
            assert mode == 0o600, path
        else:
            assert not mode & 0o022, path
            text = path.read_text()
            assert "PRIVATE" not in text, path
            assert not [secret for secret in secrets_of(folder) if secret in text], path
    secrets = secrets_of(folder)
    assert len(secrets) > 20
    assert not [secret for secret in secrets if secret in said]


def test_every_key_is_another(made) -> None:
    folder, _ = made
    keys = [json.loads((folder / "gateways" / name / "keys.json").read_text()) for name in ("gw1", "gw2")]
    values = [key for one in keys for part in one.values() for key in part.values()]
    assert len(set(values)) == len(values) == 6
    assert (folder / "posts/gw1/p02.key").read_text().strip() == keys[0]["posts"]["p02"]


def test_the_gateway_takes_its_folder_as_it_is(made) -> None:
    folder, _ = made
    config = load(folder / "gateways/gw1/gateway.toml")
    assert config.mqtt.tls
    assert len(config.keys.posts) == 2
    keys, faults = read_keys(folder / "gateways/gw1/keys.json", ["bus0"], ["p01", "p02"])
    assert not faults
    assert "Keys(1 buses, 2 posts)" in repr(keys)
    assert "KEY" not in repr(Authority.read(folder / "authority").client("x", NOW))


def test_nothing_is_overwritten(made, tmp_path) -> None:
    folder, _ = made
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for words in (("site", folder, tmp_path / "gw1.toml"), ("add", folder, tmp_path / "gw1.toml")):
        result = run(*words)
        assert result.exit_code == 2
        assert "is there already; " in result.output
        assert len(result.output.splitlines()) <= 2
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_fault_in_the_middle_leaves_nothing(tmp_path, monkeypatch) -> None:
    calls = []

    def fail(*args):
        calls.append(args)
        raise OSError("no space left")

    cabinets = [read(tmp_path, "gw1")]
    monkeypatch.setattr(site, "_gateway", fail)
    with pytest.raises(OSError, match="no space"):
        site.make(tmp_path / "site", cabinets, [], 8883, "/etc/x", NOW)
    assert calls
    assert [path.name for path in tmp_path.iterdir()] == ["gw1.toml"]


def test_a_gateway_is_added_and_the_rest_stays(made, tmp_path) -> None:
    folder, _ = made
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "gw3.toml").write_text(gateway_toml("gw3"))
    assert run("add", folder, tmp_path / "gw3.toml").exit_code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert load(folder / "gateways/gw3/gateway.toml").id == "gw3"
    (tmp_path / "gw4.toml").write_text(gateway_toml("gw4", site_id="namur"))
    result = run("add", folder, tmp_path / "gw4.toml")
    assert result.exit_code == 2
    assert "this folder is of another" in result.output


def test_renewal_replaces_one_pair_and_list_says_what_ends_when(made) -> None:
    folder, _ = made
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name, pair in (("gw2", "gateways/gw2/mqtt"), ("office", "clients/office/mqtt"), ("broker", "broker/server")):
        assert run("renew", folder, name).exit_code == 0
        changed = {str(path.relative_to(folder)) for path, data in before.items() if path.read_bytes() != data}
        assert changed == {f"{pair}.pem", f"{pair}.key"}
        assert stat.S_IMODE((folder / f"{pair}.key").stat().st_mode) == 0o600
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for bad in ("gw9", "../gateways/gw1", ""):
        result = run("renew", folder, bad)
        assert result.exit_code == 1
        assert "there is no gateway or client" in result.output
    rows = json.loads(run("list", folder, "--json").stdout)
    assert rows[0]["name"] == "broker", "it ends first"
    assert rows[-1]["name"] == "authority"
    assert {"gw1", "gw2", "office", "homeassistant"} < {row["name"] for row in rows}


BAD = [
    (gateway_toml("gw1").replace('tls_key = "mqtt.key"', ""), 'must say  tls_key = "mqtt.key"'),
    (gateway_toml("office"), "is kept for another client"),
    (gateway_toml("GW 1"), "id must be text like"),
    (gateway_toml("gw1").replace('"p02"', '"p01"'), "a post appears twice"),
    ("nonsense", "not TOML"),
    ("", "[gateway] is missing"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_what_is_wrong_is_one_line_and_makes_nothing(tmp_path, text, words) -> None:
    (tmp_path / "bad.toml").write_text(text)
    result = run("site", tmp_path / "site", tmp_path / "bad.toml")
    assert result.exit_code == 2
    assert words in result.output
    assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "site").exists()


def test_gateways_of_two_sites_or_one_name_are_refused(tmp_path) -> None:
    (tmp_path / "a.toml").write_text(gateway_toml("gw1"))
    (tmp_path / "b.toml").write_text(gateway_toml("gw2", site_id="namur"))
    assert (
        "provision each site by itself" in run("site", tmp_path / "s", tmp_path / "a.toml", tmp_path / "b.toml").output
    )
    assert "the same id" in run("site", tmp_path / "s", tmp_path / "a.toml", tmp_path / "a.toml").output


def test_the_tuning_by_hand_is_the_same() -> None:
    from pathlib import Path

    by_hand = (Path(__file__).parents[2] / "deploy/mosquitto/tuning.conf").read_text()
    assert broker_files.TUNING.format(state="/var/lib/mosquitto") in by_hand
