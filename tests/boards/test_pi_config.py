"""A wrong board.json of a Raspberry Pi is one line that says what to do."""

import json

import pytest
from pi_board import CONFIG

from lamppost.boards import config
from lamppost.boards.raspberry_pi import Board


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lamp": {"kind": "pwm", "pin": 18}}, "unknown key 'lamp.pin'"),
        ({"lamp": {"kind": "dali"}}, "lamp.device is missing"),
        ({"relay": {"pin": 18}}, "this board has no pin 18"),
        ({"lux": {"pin": 3, "lx_full": 1000}}, "unknown key 'lux.lx_full'"),
        ({"bus": {"uart": 0}}, "unknown key 'bus.uart'"),
        ({"bus": {"device": ""}}, "bus.device is a text of 1 to 128 characters"),
        ({"relay": {"pin": 5, "stagger_ms": 50}}, "unknown key 'relay.stagger_ms'"),
        ({"rtc": {"sda": 2}}, "unknown key 'rtc.sda'"),
        ({"watchdog_ms": 61000}, "watchdog_ms is a whole number from 1000 to 60000"),
    ],
)
def test_a_wrong_board_json_is_one_line(changes, words) -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.read(json.dumps({**CONFIG, **changes}), Board.name, Board.pins)
    assert words in str(refused.value)
