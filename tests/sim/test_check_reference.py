"""The checker's reference against the rule engine: two implementations of one specification, on random plans."""

import random
import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lamppost.light import sun
from lamppost.light.plan import Plan
from lamppost.wire import cbor
from lampsim.check.witness import slow_sun
from lampsim.check.witness.reference import SUN_SLACK_S, SlowPlan

sys.path.insert(0, str(Path(__file__).parents[1] / "edge" / "cpython"))  # the strategies live beside the edge tests
import plans


def test_two_suns_agree_below_60_degrees():
    draw = random.Random(1)
    for _ in range(300):
        lat, lon, day = draw.uniform(-60, 60), draw.uniform(-180, 180), draw.randrange(9000, 13000)
        slow, fast = slow_sun.times(day, lat, lon), sun.times(day, int(lat * 1e6), int(lon * 1e6))
        for a, b in zip(slow, fast, strict=True):
            assert a is not None
            assert b is not None
            assert abs(a - b) < SUN_SLACK_S


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.data())
def test_reference_and_plan_agree(data):
    town = data.draw(st.sampled_from(plans.TOWNS[:-1]))  # polar nights hang on the last arc second of the sun
    raw = cbor.encode(data.draw(plans.values(town=town)))
    fast, slow = Plan.from_bytes(raw), SlowPlan(raw)
    begin = data.draw(plans.seconds())
    for utc_s in range(begin, begin + 86_400, 1451):
        choices = [slow.program(moment) for moment in slow.moments(utc_s, slow.slack_s(utc_s))]
        levels = [level for level, _ in choices]
        assert min(levels) - 2 <= fast.level_at(utc_s) <= max(levels) + 2
        assert fast.at(utc_s).active in {active for _, active in choices}
