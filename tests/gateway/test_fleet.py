"""The fleet's last known state, and the plans on their way to it: pure, in virtual time."""

import pytest
from asking import park

from lamplighter.gateway.centre.topics import Desired
from lamplighter.gateway.lines.line import Online, Status
from lamplighter.gateway.reports.fleet import REFRESH_MS, TELL_EVERY_MS, Fleet
from lamplighter.gateway.wanted.plan_sync import RETRY_MAX_MS, RETRY_MIN_MS, PlanSync, compile_all
from lamplighter.plans.hashing import document_hash
from lamplighter.plans.site import PostSite

SITES = [PostSite(f"p{n:02}", n, "bus0", 50_669_300 + n * 200, 4_615_000) for n in range(1, 4)]
UTC_S = 835_000_000


def status(address: int, level: int = 600, layer: int = 1, plan: bytes = b"", faults: int = 0) -> Status:
    return Status(address, level, level, layer, faults, 18_200, plan, UTC_S, 0)


def desired(plan: dict) -> Desired:
    return Desired(document_hash(plan), plan)


def test_a_state_says_what_the_post_said() -> None:
    fleet = Fleet(SITES)
    fleet.online("p01", Online(1, "post-1", "0.1.0", 7, 3), UTC_S)
    fleet.status("p01", status(1, 600, 3, bytes(8), faults=1 << 31 | 2), UTC_S)
    payload = fleet.states["p01"].payload()
    assert payload == {
        "v": 1, "post": "p01", "online": True, "address": 1, "bus": "bus0", "firmware": "0.1.0",
        "level_percent": 60.0, "target_percent": 60.0, "why": "presence", "power_w": 18.2,
        "plan": "0000000000000000", "faults": ["lamp", "fault-31"], "utc": "2026-06-17T08:26:40Z",
    }  # fmt: skip
    assert fleet.count_online() == 1
    assert fleet.states["p02"].payload()["level_percent"] is None


def test_a_fade_is_told_at_most_once_a_second_and_its_end_surely() -> None:
    fleet = Fleet(SITES[:1])
    told = []
    for ms in range(0, 8000, 50):
        fleet.status("p01", status(1, min(1000, ms // 5)), UTC_S)
        told += [state.status.level_pm for state in fleet.to_tell(ms)]
    assert len(told) <= 8
    assert told[-1] == 1000
    assert not fleet.to_tell(8000 + TELL_EVERY_MS), "what has not changed is not told"
    assert len(fleet.to_tell(8000 + REFRESH_MS)) == 1


def test_offline_is_told_once() -> None:
    fleet = Fleet(SITES[:1])
    fleet.status("p01", status(1), UTC_S)
    fleet.to_tell(0)
    assert fleet.offline("p01") is True
    assert fleet.offline("p01") is False
    assert [state.online for state in fleet.to_tell(2000)] == [False]
    assert fleet.to_tell(5000) == []


@pytest.fixture
def sync() -> PlanSync:
    return PlanSync([site.id for site in SITES])


def settle(sync: PlanSync, compiled, t_ms: int = 0) -> None:
    for post, blob in sync.to_send({"p01", "p02", "p03"}, t_ms):
        sync.sent(post, blob, "", "", t_ms)
        sync.runs(post, sha(blob))


def sha(blob: bytes) -> bytes:
    from hashlib import sha256

    return sha256(blob).digest()[:8]


def test_each_post_gets_its_own_bytes_once_and_the_status_proves_it(sync) -> None:
    compiled = compile_all(desired(park()), SITES)
    assert len(set(compiled.blobs.values())) == 3
    assert sync.report() is None
    sync.accept(compiled)
    assert sync.to_send({"p01"}, 0) == [], "what a post runs is not known yet"
    for site in SITES:
        sync.runs(site.id, b"")
    sends = sync.to_send({"p01", "p02"}, 0)
    assert sends == [(post, compiled.blobs[post]) for post in ("p01", "p02")]
    assert sync.to_send({"p01", "p02"}, 0) == [], "they are under way"
    assert sync.report()["posts"]["p01"]["result"] == "sending"
    assert sync.report()["posts"]["p03"]["result"] == "waiting"
    sync.sent("p01", compiled.blobs["p01"], "", "", 100)
    assert sync.report()["posts"]["p01"]["result"] == "waiting", "the answer is no proof"
    sync.runs("p01", sha(compiled.blobs["p01"]))
    report = sync.report()
    assert report["desired"] == compiled.hash
    assert report["accepted"] is True
    row = report["posts"]["p01"]
    assert row["result"] == "applied"
    assert row["desired"] == row["applied"] == sha(compiled.blobs["p01"]).hex()


def test_after_a_restart_nothing_is_sent_to_posts_that_run_it(sync) -> None:
    compiled = compile_all(desired(park()), SITES)
    sync.accept(compiled)
    for site in SITES:
        sync.runs(site.id, sha(compiled.blobs[site.id]))
    assert sync.to_send({"p01", "p02", "p03"}, 0) == []
    sync.runs("p02", b"")
    assert [post for post, _ in sync.to_send({"p01", "p02", "p03"}, 0)] == ["p02"], "a post that lost it gets it"


def test_a_refusal_is_reported_and_not_repeated_until_the_plan_changes(sync) -> None:
    sync.accept(compile_all(desired(park()), SITES))
    sync.runs("p01", b"")
    [(post, blob)] = sync.to_send({"p01"}, 0)
    sync.sent(post, blob, "no room", "", 0)
    assert sync.report()["posts"]["p01"] | {"desired": None} == {
        "desired": None, "applied": None, "result": "refused", "reason": "no room",
    }  # fmt: skip
    assert sync.to_send({"p01"}, 10**9) == []
    sync.accept(compile_all(desired(park(50)), SITES))
    assert len(sync.to_send({"p01"}, 10**9)) == 1


def test_no_answer_is_tried_again_ever_more_seldom_and_at_once_when_back(sync) -> None:
    sync.accept(compile_all(desired(park()), SITES))
    sync.runs("p01", b"")
    now, waits = 0, []
    for _ in range(12):
        start = now
        while not (sends := sync.to_send({"p01"}, now)):
            now += 500
        waits.append(now - start)
        sync.sent(*sends[0], "", "does not answer", now)
    assert waits[1] == RETRY_MIN_MS
    assert waits[-1] == RETRY_MAX_MS
    assert sync.report()["posts"]["p01"]["reason"] == "does not answer"
    sync.back("p01")
    assert sync.to_send({"p01"}, now)


def test_a_transfer_of_an_older_plan_counts_for_nothing(sync) -> None:
    sync.accept(compile_all(desired(park()), SITES))
    sync.runs("p01", b"")
    [(post, old)] = sync.to_send({"p01"}, 0)
    sync.accept(compile_all(desired(park(50)), SITES))
    sync.sent(post, old, "too late", "", 0)
    assert sync.report()["posts"]["p01"]["result"] == "waiting"
    [(_, new)] = sync.to_send({"p01"}, 0)
    assert new != old


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d._replace(hash="0" * 16), "was changed on its way"),
        (lambda d: desired(park(170)), "170"),
        (lambda d: desired(park() | {"groups": []}), "group"),
        (lambda d: desired(park() | {"colour": 1}), "colour"),
    ],
)
def test_a_plan_that_is_not_good_for_every_post_changes_nothing(sync, change, words) -> None:
    good = desired(park())
    sync.accept(compile_all(good, SITES))
    bad = change(good)
    with pytest.raises(ValueError, match=words) as caught:
        compile_all(bad, SITES)
    sync.refuse(bad.hash, str(caught.value))
    report = sync.report()
    assert (report["desired"], report["accepted"]) == (bad.hash, False)
    assert words in report["error"]
    assert sync.hash == good.hash
    assert sync.groups() == {"paths": {"p01", "p02", "p03"}}
