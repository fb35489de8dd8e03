"""The daemon as a process with three lines on ptys and real posts on each: light crosses from line to line."""

import statistics

import pytest
from cabinet import start_gateway, stop
from pty_lines import Lines, listen
from several_lines import sites_of
from street import Lamp

LINES, POSTS = 3, 4


@pytest.fixture
def lines(tmp_path):
    lines = Lines(tmp_path, ("127.0.0.1", 9), sites_of(LINES, POSTS))  # nobody listens there: light needs no broker
    daemon = start_gateway(lines.path)
    yield lines
    stop(daemon)
    lines.close()


def hears(street, site, user_class: int = 0) -> bool:
    """Whether the presence of somebody elsewhere has reached the post."""
    return knows(street.lamps[site.address - 1], user_class)


def knows(lamp: Lamp, user_class: int) -> bool:
    return any(entry[1] == user_class for entry in lamp.post.presence._seen)


@pytest.mark.system
def test_light_crosses_lines_on_real_ports(lines) -> None:
    for street in lines.streets.values():
        street.wait_for(lambda street: all(lamp.post.line._link.session for lamp in street.lamps))
    last, first = lines.sites[POSTS - 1], lines.sites[POSTS]  # 30 m apart, on two lines
    far = lines.sites[2 * POSTS]  # the first of the third line: 150 m from `last`, and 30 m from the second's end
    lines.streets["bus0"].sense(last.address, 1)
    lines.streets["bus1"].wait_for(lambda street: hears(street, first, 1))
    lines.streets["bus2"].sense(far.address, 2)
    lines.streets["bus1"].wait_for(lambda street: hears(street, lines.sites[2 * POSTS - 1], 2))
    assert not lines.streets["bus2"].call(lambda street: any(knows(lamp, 1) for lamp in street.lamps[1:]))


@pytest.mark.system
def test_how_long_it_takes_on_real_ports(lines) -> None:
    """From the sensor's edge on one line to a post of the other, and one of the same; a busy machine adds its share."""
    for street in lines.streets.values():
        street.wait_for(lambda street: all(lamp.post.line._link.session for lamp in street.lamps))
    west, east = lines.streets["bus0"], lines.streets["bus1"]
    here, there = [], []
    for address in (POSTS, POSTS - 1):
        for user_class in range(3):
            heard = [listen(west, POSTS - 3, address), listen(east, 1, lines.alias("bus1", f"l0p{address:02}"))]
            mark = west.now_ms()
            west.sense(address, user_class)
            here.append(west.wait_for(lambda street, heard=heard[0]: next(iter(heard), 0)) - mark)
            there.append(east.wait_for(lambda street, heard=heard[1]: next(iter(heard), 0)) - mark)
    added = statistics.median(there) - statistics.median(here)
    assert -50 < added < 150, (here, there)
