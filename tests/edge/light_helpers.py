"""A small plan for the tests of the rule engine, on both interpreters."""

from lamppost.light import dates
from lamppost.light.plan import Plan
from lamppost.wire import cbor

BRUSSELS = "CET-1CEST,M3.5.0,M10.5.0/3"
CLOCK, SUNSET, SUNRISE, DUSK, DAWN = range(5)
WALK = ["walk", 20, 1000, 8000, [[300, 1000], [600, 600], [900, 300]], [[600, 800]], [[1100, 1000]]]


def fields(
    program=None,
    programs=None,
    rules=None,
    scenes=None,
    neighbours=None,
    profiles=None,
    floor=100,
    tz=BRUSSELS,
    place=(50669300, 4615000),
    luminaire=(0, 1000, 30000, 500),
    default=0,
):
    """Return the fields of a compiled plan: one program "park", 60 % from 18:00 to 06:00, 30 % from 22:30."""
    if programs is None:
        programs = [program or ["park", 600, 0, 0, [[CLOCK, 360, CLOCK, 1080]], [[CLOCK, 630, 300]]]]
    return [
        1,
        tz,
        place[0],
        place[1],
        floor,
        default,
        programs,
        rules or [],
        scenes or [],
        [WALK] if profiles is None else profiles,
        neighbours or [],
        list(luminaire),
    ]


def plan(*args, **kwargs):
    return Plan.from_bytes(cbor.encode(fields(*args, **kwargs)))


def utc(y, m, d, hour=0, minute=0, second=0):
    return dates.day_of(y, m, d) * 86400 + hour * 3600 + minute * 60 + second
