"""Topics, payloads and requests: every field within its bounds, every other one refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamplighter.gateway.centre.topics import DESIRED_MAX, Topics, parse_desired, utc_text
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import Outcome, Reasons
from lamplighter.gateway.store import items
from lamplighter.gateway.store.outbox import EVENTS, TELEMETRY
from lamplighter.gateway.wanted import commands
from lamplighter.gateway.wanted.commands import RequestError, read, utc_seconds
from lamppost.wire import messages

NOW_S = 835_000_000
POSTS = ["p01", "p02", "p03"]
GROUPS = {"park": {"p01", "p03"}, "empty": set()}
GOOD = {"v": 1, "transaction": "t-1", "expires": "2026-06-17T08:30:00Z", "command": "override", "posts": ["p02"],
        "level_percent": 40, "for_s": 600}  # fmt: skip

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def request(**changes) -> commands.Request:
    return read(json.dumps(GOOD | changes).encode(), POSTS, GROUPS, NOW_S)


def test_topic_names() -> None:
    topics = Topics("city/lamps", "lln", "gw1")
    assert topics.state("p01") == "city/lamps/lln/gw1/post/p01/state"
    assert topics.desired_plans == "city/lamps/lln/gw1/desired/plans"


def test_a_request_names_posts_groups_or_all_in_the_gateways_order() -> None:
    assert request().posts == ("p02",)
    assert request(posts=["p03"], groups=["park"]).posts == ("p01", "p03")
    assert request(posts=[], all=True).posts == ("p01", "p02", "p03")
    assert request(command="snapshot", posts=[]).posts == ("p01", "p02", "p03")
    with pytest.raises(RequestError, match="no post of this gateway is in empty"):
        request(posts=[], groups=["empty"])


def test_an_override_reaches_the_wire_as_it_was_meant() -> None:
    def asked(**changes):
        order = request(**changes).order("p02", NOW_S)
        assert order is not None
        return next(order.procedure(NOW_S))

    kind, values = asked(reason="marché de Noël, place de l'Université")
    messages.encode(kind, values)
    assert values[1:7] == (messages.LEVEL, 6, 0, 400, NOW_S + 600, 600)
    assert values[7].startswith("marché de Noël, place de l'")
    assert values[0] == asked()[1][0] != asked(transaction="t-2")[1][0], "the same transaction has the same number"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires": utc_text(NOW_S)}, "expired at"),
        ({"expires": utc_text(NOW_S + commands.EXPIRES_MAX_S + 1)}, "more than 24 h ahead"),
        ({"posts": ["p02", "p09"]}, "p09"),
        ({"groups": ["street"]}, "street"),
    ],
)
def test_what_is_late_far_ahead_or_for_nobody_is_refused(changes, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        request(**changes)


def test_the_last_second_of_a_request_counts() -> None:
    assert request(expires=utc_text(NOW_S + 1)).posts
    assert request(expires=utc_text(NOW_S + commands.EXPIRES_MAX_S)).posts


def test_a_refused_request_says_whom_to_tell() -> None:
    with pytest.raises(RequestError) as caught:
        request(level_percent=170, reply_to="office/answers")
    assert (caught.value.transaction, caught.value.reply_to) == ("t-1", "office/answers")


@given(st.dictionaries(st.sampled_from(sorted({*GOOD, "groups", "all", "at", "reason", "reply_to"})), ANY_JSON))
def test_no_request_whatever_does_more_than_refuse(changes) -> None:
    try:
        good = request(**changes)
        said = ""
    except RequestError as error:
        good, said = None, str(error)
    assert "\n" not in said
    assert len(said) < 400
    if good is None:
        return
    assert set(good.posts) <= set(POSTS)
    if good.command != "snapshot":
        order = good.order(good.posts[0], NOW_S)
        kind, values = next(good.procedure(good.posts[0]) if order is None else order.procedure(NOW_S))
        messages.encode(kind, values)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_a_request_by_chance(payload) -> None:
    with pytest.raises(RequestError):
        read(payload, POSTS, GROUPS, NOW_S)
    with pytest.raises(ValueError, match=r"."):
        parse_desired(payload)


def test_a_payload_that_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(ValueError, match="at most"):
        parse_desired(b'{"v":1,' + b" " * DESIRED_MAX + b"}")
    with pytest.raises(ValueError, match="not JSON"):
        parse_desired(b"[" * 500_000)


@given(st.integers(1, 3_000_000_000))
def test_times_survive_the_way_to_text_and_back(utc_s) -> None:
    assert utc_seconds(utc_text(utc_s), "at") == utc_s


@pytest.mark.parametrize(
    "text", ["2026-02-29T00:00:00Z", "1999-12-31T23:59:59Z", "2026-06-17T24:00:00Z", "2026-06-17", 5]
)
def test_impossible_times_are_refused(text) -> None:
    with pytest.raises(ValueError, match='"at"'):
        utc_seconds(text, "at")


def test_answers() -> None:
    assert commands.answer(line.Result("1", 1, Outcome(True, ""), "")) == {"ok": True}
    assert commands.answer(line.Result("1", 1, Outcome(False, "no"), "")) == {"ok": False, "error": "no"}
    assert commands.answer(line.Result("1", 1, None, "is offline")) == {"ok": False, "error": "is offline"}
    chain = [[1, 0, 500, 0, NOW_S, "street"], [6, 0, 400, 1, 0, "market"]]
    answer = commands.answer(line.Result("1", 1, Reasons(NOW_S, 400, 6, chain), ""))
    assert answer["layer"] == "override"
    assert answer["chain"][1] == {
        "layer": "override", "op": "set", "level_percent": 40.0, "won": True, "until": None, "text": "market",
    }  # fmt: skip
    assert commands.response("t", {"p01": {"ok": True}, "p02": {"ok": False}})["ok"] is False


def test_items_of_every_kind() -> None:
    got = line.Items(1, 9, [
        (1, messages.READING, NOW_S, 600, 18_200, 1_500), (2, messages.PRESENCE, NOW_S, 1, 2, 0),
        (3, messages.FAULT, 0, 4, 1, 0), (4, messages.BOOT, NOW_S, 12, 0, 0), (5, messages.PLAN, NOW_S, 1, 0, 0),
        (6, 99, NOW_S, 1, 2, 3),
    ])  # fmt: skip
    entries = items.from_items("p01", got, NOW_S + 5)
    bodies = [json.loads(entry.body) for entry in entries]
    assert [entry.stream for entry in entries] == [TELEMETRY] + [EVENTS] * 5
    assert bodies[0] == {
        "post": "p01", "post_epoch": 9, "post_seq": 1, "kind": "reading", "utc": "2026-06-17T08:26:40Z",
        "level_percent": 60.0, "power_w": 18.2, "energy_wh": 1.5,
    }  # fmt: skip
    assert (bodies[1]["class"], bodies[1]["input"]) == ("car", 1)
    assert (bodies[2]["utc"], bodies[2]["utc_by"]) == ("2026-06-17T08:26:45Z", "gateway")
    assert (bodies[3]["boots"], bodies[4]["applied"]) == (12, True)
    assert (bodies[5]["kind"], bodies[5]["a"], bodies[5]["c"]) == ("kind-99", 1, 3), "a newer post loses nothing"
    heard = items.from_heard("p01", line.Heard(1, 9, 2, 2, 1, 3500), NOW_S)
    assert (heard.seq, heard.epoch, heard.fast) == (2, 9, True)
    assert json.loads(heard.body)["utc"] == "2026-06-17T08:26:37Z"
