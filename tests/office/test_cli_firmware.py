"""`lamplighter firmware` at the desk: what it sends, what it shows, and what never leaves it."""

import json

import pytest

from lamplighter.firmware_image import Image, read
from lamplighter.provision import image
from lamplighter.provision.secret_key import SecretKey


@pytest.fixture
def signed(tmp_path):
    folder = tmp_path / "build"
    folder.mkdir()
    for name in ("main.mpy", "post.mpy"):
        (folder / name).write_bytes(name.encode() * 300)
    file = tmp_path / "rp2-7.llf"
    file.write_bytes(image.make(folder, "rp2", 7, 0, "0.7.0", SecretKey(bytes(32), b"eight..8")).data)
    return file


def test_an_image_reaches_every_post(desk, gateway, signed):
    result = desk("firmware", "send", signed)
    assert result.exit_code == 0, result.stderr
    assert [line.split()[:4] for line in result.stdout.splitlines() if line.startswith("p0")] == [
        [post, "rp2", "installed", "100"] for post in ("p01", "p02", "p03")
    ]
    (desired,) = gateway.of("desired/firmware")
    wanted = read(desired)
    assert wanted.image is not None
    assert wanted.image.data == signed.read_bytes()
    assert result.stderr == ""


def test_a_post_that_refuses_is_named(desk, gateway, signed):
    gateway.refuses["p02"] = "signed by an unknown key"
    result = desk("firmware", "send", signed)
    assert result.exit_code == 1
    row = next(line for line in result.stdout.splitlines() if line.startswith("p02"))
    assert "refused" in row
    assert "signed by an unknown key" in row
    assert "2 of 3" in result.stderr


def test_a_post_that_is_slow_ends_by_timeout(desk, gateway, signed):
    gateway.slow.add("p03")
    result = desk("firmware", "send", signed, "--timeout", "1", "--json")
    assert result.exit_code == 1
    outcome = json.loads(result.stdout)
    assert (outcome["ok"], outcome["posts"]["p03"]["state"]) == (False, "sending")


def test_a_gateway_that_refuses_it(desk, gateway, signed):
    gateway.error = "no room on its disk"
    result = desk("firmware", "send", signed)
    assert result.exit_code == 1
    assert "refused it: no room on its disk" in result.stderr


def test_without_waiting_the_broker_keeps_it(desk, gateway, signed):
    gateway.silent = True
    result = desk("firmware", "send", signed, "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "the broker has version 7 (0.7.0) for rp2\n")


def test_what_was_said_last_is_shown(desk, gateway, signed):
    assert desk("firmware", "send", signed).exit_code == 0
    result = desk("firmware", "show", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["posts"]["p01"]["state"] == "installed"


def test_what_is_wanted_no_more_is_said_to_the_gateway(desk, gateway):
    result = desk("firmware", "stop", "--board", "rp2")
    assert (result.exit_code, result.stdout) == (0, "no firmware is wanted for rp2\n")
    assert read(gateway.of("desired/firmware")[0]).image is None


def test_a_file_that_cannot_be_sent_never_leaves_the_desk(desk, gateway, signed, tmp_path):
    for file, words in ((tmp_path / "none.llf", "cannot read"), (tmp_path / "build" / "main.mpy", "no firmware image")):
        result = desk("firmware", "send", file)
        assert result.exit_code == 2
        assert words in result.stderr
    assert gateway.received == []


def test_a_damaged_image_never_leaves_the_desk(desk, gateway, signed):
    whole = signed.read_bytes()
    for damaged in (whole[:-1], whole + b"x", whole[:-300] + b"X" + whole[-299:]):
        signed.write_bytes(damaged)
        result = desk("firmware", "send", signed)
        assert result.exit_code == 2
        assert "is damaged: " in result.stderr
        assert "hint: copy it again" in result.stderr
    assert gateway.received == []


def test_one_wrong_byte_anywhere_in_a_file_is_seen(signed):
    whole = signed.read_bytes()
    assert Image.read(whole).damage() == ""
    files = 4200 // 7
    for at in range(len(whole) - files, len(whole), 37):
        assert Image.read(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]).damage()
