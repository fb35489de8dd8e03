"""Requests and plans brought to real Posts: what a post answers, how soon, and what a power dip makes of it."""

import pytest
from asking import ask, plan_of
from street import UTC_MS, Street

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import Outcome, Reasons, command, send_plan, why
from lamppost.light.layers import OPERATOR
from lamppost.wire import messages


def test_a_command_acts_and_its_result_names_the_post() -> None:
    street = Street(3)
    street.run(1000)
    until = UTC_MS // 1000 + 600
    ask(street, "dim", 2, command(7, messages.LEVEL, OPERATOR, 0, 400, until, 600, "test"))
    took = street.run_until(lambda: street.result("dim"), 1000)
    assert street.result("dim") == line.Result("dim", 2, Outcome(True, ""), "")
    assert took <= 100, "requests go before polls"
    street.run(street.now + 3000)
    assert street.of(line.Status)[-1].address in (1, 2, 3)
    assert [s for s in street.of(line.Status) if s.address == 2][-1].target_pm == 400


def test_a_refused_command_brings_the_posts_own_words() -> None:
    street = Street(1)
    street.run(1000)
    ask(street, "bad", 1, command(7, messages.LEVEL, 9, 0, 400, 0, 600))
    street.run(1500)
    result = street.result("bad")
    assert result.value == Outcome(False, "layer 9 is not the gateway's to move")


def test_why_collects_all_rows() -> None:
    street = Street(2)
    street.run(1000)
    ask(street, "plan", 1, send_plan(plan_of(1)), background=True)
    street.run_until(lambda: street.result("plan"), 5000)
    for layer, op in ((4, 1), (6, 0), (8, 1)):
        reason = f"reason {layer} ".ljust(32, "x")
        ask(street, f"c{layer}", 1, command(layer, messages.LEVEL, layer, op, 300, 0, 600, reason))
    street.run(street.now + 500)
    ask(street, "why", 1, why(0))
    street.run_until(lambda: street.result("why"), 2000)
    reasons = street.result("why").value
    assert isinstance(reasons, Reasons)
    assert {4, 6, 8} <= {row[0] for row in reasons.chain}
    assert abs(reasons.utc_s - (UTC_MS + street.now) // 1000) <= 1
    assert len({tuple(row) for row in reasons.chain}) == len(reasons.chain)


def test_a_plan_arrives_and_presence_gets_through_meanwhile() -> None:
    street = Street(8, baud=19200)
    street.run(5000)
    for address in range(1, 6):
        ask(street, f"plan {address}", address, send_plan(plan_of(address)), background=True)
    street.run(street.now + 100)
    waits = []
    while not all(street.result(f"plan {address}") for address in range(1, 6)):
        before = len(street.of(line.Heard))
        street.sense(6 + len(waits) % 3)
        waits.append(street.run_until(lambda before=before: len(street.of(line.Heard)) > before, 2000))
        street.run(street.now + 90)
    assert all(street.result(f"plan {address}").value == Outcome(True, "") for address in range(1, 6))
    assert len(waits) >= 6
    assert sorted(waits)[len(waits) // 2] <= 150, f"a block and a poll at 19,200 baud: {waits}"
    assert max(waits) <= 700, f"one repetition after a collision: {waits}"
    street.run(street.now + 2000)
    assert [s for s in street.of(line.Status) if s.address == 3][-1].plan == street.lamp(3).post.plan_hash != b""


def test_a_plan_that_runs_already_costs_one_exchange() -> None:
    street = Street(1)
    street.run(500)
    plan = plan_of(1)
    ask(street, "first", 1, send_plan(plan), background=True)
    street.run_until(lambda: street.result("first"), 5000)
    frames = len(street.frames)
    ask(street, "second", 1, send_plan(plan), background=True)
    street.run_until(lambda: street.result("second"), 500)
    assert street.result("second").value.ok
    assert not any(frame[2][3:4] == bytes([messages.BLOB_DATA]) for frame in street.frames[frames:])


@pytest.mark.parametrize("dip_ms", range(40, 600, 70))
def test_a_power_dip_in_the_middle_of_a_transfer_is_no_verdict_on_the_plan(dip_ms: int) -> None:
    """[D-4]"""
    street = Street(2, baud=19200)
    street.run(3000)
    ask(street, "plan", 1, send_plan(plan_of(1)), background=True)
    street.run(street.now + dip_ms)
    street.lamp(1).start()
    street.run_until(lambda: street.result("plan"), 20000)
    outcome = street.result("plan").value
    if not outcome.ok:  # the session was lost with the power: tried again, never taken for a refusal
        ask(street, "again", 1, send_plan(plan_of(1)), background=True)
        street.run_until(lambda: street.result("again"), 20000)
        outcome = street.result("again").value
    assert outcome == Outcome(True, "")
    assert street.lamp(1).post.plan_hash


def test_a_bad_plan_is_refused_in_the_posts_words_and_the_old_one_stays() -> None:
    street = Street(1)
    street.run(500)
    ask(street, "good", 1, send_plan(plan_of(1)), background=True)
    street.run_until(lambda: street.result("good"), 5000)
    before = street.lamp(1).post.plan_hash
    ask(street, "bad", 1, send_plan(b"\x81\x01" * 100), background=True)
    street.run_until(lambda: street.result("bad"), 5000)
    outcome = street.result("bad").value
    assert not outcome.ok
    assert outcome.text
    assert street.lamp(1).post.plan_hash == before


def test_a_request_that_gets_no_answer_ends_when_it_expires() -> None:
    street = Street(2)
    street.run(1000)
    street.lamp(2).powered = False
    ask(street, "x", 2, command(1, messages.IDENTIFY, for_s=1), for_ms=120)
    street.run(1300)
    assert street.result("x").error == "no answer before the request expired"
