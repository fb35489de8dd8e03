"""`lamplighter find` on a real pty with real Posts: a new line, a replaced board, a configuration that is whole."""

import json

import pytest
from cabinet import write_config
from pty_street import PtyStreet
from street import BUS_KEY

from boards import factory_key, make_new, run_find, write_manifest
from lamplighter.gateway.config import ConfigError, load


@pytest.fixture
def street():
    made = PtyStreet(3)
    yield made
    made.close()


def test_a_new_line_is_found_and_a_replaced_board_takes_its_place(tmp_path, street) -> None:
    config = write_config(tmp_path, street.port, ("127.0.0.1", 1), 3)
    (tmp_path / "keys.json").write_text(json.dumps({"bus_keys": {"bus0": BUS_KEY.hex()}, "posts": {}}))
    manifest = write_manifest(tmp_path, 4)
    with pytest.raises(ConfigError, match="lamplighter find"):
        load(config)
    for number, lamp in enumerate(street.lamps, 1):
        street.call(lambda _, lamp=lamp, number=number: make_new(lamp, number))

    report = run_find("--config", str(config), "--manifest", str(manifest), "--fill")
    assert report["complete"]
    assert {row["result"] for row in report["boards"]} == {"adopted"}
    assert sorted(row["post"] for row in report["boards"]) == ["p01", "p02", "p03"]
    assert report["silent"] == []
    assert {post.site.id for post in load(config).posts} == set(load(config).keys.posts) == {"p01", "p02", "p03"}
    assert (tmp_path / "state" / "keyring.json").stat().st_mode & 0o77 == 0

    gone = next(row for row in report["boards"] if row["post"] == "p02")
    lamp = street.lamps[int(gone["identity"][3:]) - 1]
    street.call(lambda _: make_new(lamp, 4))
    report = run_find("--config", str(config), "--manifest", str(manifest))
    assert [(row["identity"], row["result"]) for row in report["boards"]] == [("ll-4", "unplaced")]
    assert report["silent"] == ["p02"]
    report = run_find("--config", str(config), "--manifest", str(manifest), "--replace", "p02=ll-4")
    assert [(row["post"], row["result"]) for row in report["boards"]] == [("p02", "adopted")]
    assert report["silent"] == []
    assert load(config).keys.posts["p02"] == factory_key(4)
    assert street.call(lambda s: s.lamps.index(lamp) >= 0 and lamp.post.settings.address) == 2
