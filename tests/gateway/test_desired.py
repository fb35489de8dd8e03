"""Groups and scenes: checked whole, bounded, in force by their hash, kept over a restart, and used by requests."""

import json
import time

import pytest
from cabinet import Centre, start_gateway, stop, write_config
from hypothesis import given
from hypothesis import strategies as st
from pty_street import PtyStreet

from lamplighter.gateway.wanted import commands
from lamplighter.gateway.wanted.desired import RULES_MAX, Rule, levels, read_groups, read_scenes
from lamplighter.plans.hashing import document_hash

POSTS = [f"p{number:02}" for number in range(1, 251)]


def payload(what: str, content, **more) -> bytes:
    return json.dumps({"v": 1, "hash": document_hash(content), what: content} | more).encode()


def test_groups_by_id() -> None:
    wanted = read_groups(payload("groups", {"park": ["p01", "p03"], "all-of-it": "all"}), POSTS)
    assert wanted.content["park"] == {"p01", "p03"}
    assert len(wanted.content["all-of-it"]) == 250
    assert wanted.rules == 252
    assert wanted.hash == document_hash({"park": ["p01", "p03"], "all-of-it": "all"})


BAD_GROUPS = [
    ({"Park": []}, "ids have 1 to 32"),
    ({"park": ["p01", "p999"]}, "there is no post 'p999' at this gateway"),
    ({"park": "p01"}, "names must be a list"),
    ({"park": [1]}, "names must be a list"),
    ([], "must be an object"),
    ({f"g{number}": [] for number in range(1001)}, "at most 1000"),
]


@pytest.mark.parametrize(("groups", "words"), BAD_GROUPS)
def test_bad_groups_are_refused_whole(groups, words) -> None:
    with pytest.raises(ValueError, match=words):
        read_groups(payload("groups", groups), POSTS)


def test_what_was_changed_on_its_way_is_refused() -> None:
    with pytest.raises(ValueError, match="changed on its way"):
        read_groups(payload("groups", {"park": []}, hash="0" * 16), POSTS)


BAD_SCENES = [
    ([{"id": "market"}], "a scene must be"),
    ([{"id": "market", "rules": [{"level_percent": 10}]}], "must name groups or posts"),
    ([{"id": "market", "rules": [{"posts": ["p01"], "level_percent": 101}]}], "from 0 to 100"),
    ([{"id": "market", "rules": [{"posts": ["p01"], "level_percent": True}]}], "from 0 to 100"),
    ([{"id": "market", "rules": [{"posts": ["x"], "level_percent": 1}]}], "there is no post 'x'"),
    ([{"id": "market", "rules": [{"posts": ["p01"], "level": 1}]}], "a rule must be"),
    ([{"id": "market", "rules": []}] * 2, "appears twice"),
    ({}, "must be a list"),
]


@pytest.mark.parametrize(("scenes", "words"), BAD_SCENES)
def test_bad_scenes_are_refused_whole(scenes, words) -> None:
    with pytest.raises(ValueError, match=words):
        read_scenes(payload("scenes", scenes), POSTS)


def test_ten_thousand_rules_are_taken_in_bounded_time_and_one_more_is_not() -> None:
    rule = {"posts": POSTS[:5], "level_percent": 12.5}
    scenes = [{"id": f"s{number}", "rules": [rule] * 100} for number in range(RULES_MAX // 100)]
    begun = time.process_time()
    wanted = read_scenes(payload("scenes", scenes), POSTS)
    assert wanted.rules == RULES_MAX
    assert time.process_time() - begun < 5, "some 0.2 s; ten times that would block a desk"
    scenes.append({"id": "more", "rules": [rule]})
    with pytest.raises(ValueError, match=f"more than {RULES_MAX} rules"):
        read_scenes(payload("scenes", scenes), POSTS)
    members = {f"g{number}": "all" for number in range(41)}
    with pytest.raises(ValueError, match=f"more than {RULES_MAX} members"):
        read_groups(payload("groups", members), POSTS)


def test_the_first_rule_that_names_a_post_counts() -> None:
    scene = (Rule(("park",), ("p09",), 800), Rule((), ("p01", "p02"), 300))
    assert levels(scene, {"park": {"p01", "p05"}}, POSTS) == {"p01": 800, "p02": 300, "p05": 800, "p09": 800}
    assert levels(scene, {"park": {"p01"}}, ["p02"]) == {"p02": 300}
    with pytest.raises(ValueError, match="the group 'park', which is not at this gateway"):
        levels(scene, {}, POSTS)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(ANY)
def test_nonsense_is_refused_in_one_line_and_nothing_else_happens(content) -> None:
    for what, read in (("groups", read_groups), ("scenes", read_scenes)):
        said = ""
        try:
            read(payload(what, content), POSTS)
        except ValueError as error:
            said = str(error)
        assert "\n" not in said


def request(**fields) -> commands.Request:
    value = {"v": 1, "transaction": "t", "expires": "2026-06-17T08:30:00Z", "command": "scene", "for_s": 60} | fields
    scenes = {"market": (Rule(("park",), (), 800), Rule((), ("p02",), 300))}
    return commands.read(json.dumps(value).encode(), POSTS[:5], {"park": {"p01", "p03"}}, 835_000_000, scenes)


def test_a_scene_is_recalled_on_the_posts_it_names() -> None:
    asked = request(scene="market")
    assert dict(zip(asked.posts, asked.levels, strict=True)) == {"p01": 800, "p02": 300, "p03": 800}
    some = request(scene="market", posts=["p02", "p04"])
    assert dict(zip(some.posts, some.levels, strict=True)) == {"p02": 300}
    for fields, words in (
        ({"scene": "moon"}, "there is no scene 'moon'"),
        ({"scene": "market", "posts": ["p04"]}, "names none of these posts"),
        ({"scene": "market", "for_s": 0}, '"for_s"'),
    ):
        with pytest.raises(commands.RequestError, match=words):
            request(**fields)


@pytest.fixture
def street():
    street = PtyStreet(3)
    yield street
    street.close()


@pytest.mark.system
async def test_scenes_outlive_a_restart_and_light_the_street(tmp_path, street, mosquitto) -> None:
    config = write_config(tmp_path, street.port, mosquitto, 3)
    process = start_gateway(config)
    centre = Centre(mosquitto)
    scenes = [
        {"id": "market", "rules": [{"groups": ["bench"], "level_percent": 80}, {"posts": ["p01"], "level_percent": 35}]}
    ]
    try:
        async with centre.listening():
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == 3)
            await centre.desire_what("groups", {"bench": ["p02", "p03"]})
            await centre.desire_what("scenes", scenes)
            await centre.until(lambda: centre.last.get("reported/scenes", {}).get("rules") == 2)
            await centre.until(lambda: centre.last.get("reported/groups", {}).get("count") == 1)
            await centre.desire_what("groups", {"bench": ["p99"]})
            await centre.until(lambda: centre.last["reported/groups"]["accepted"] is False)
            report = centre.last["reported/groups"]
            assert report["error"] == "group bench: there is no post 'p99' at this gateway"
            assert report["count"] == 1, "the ones in force stay"
            process.kill()
            process.wait(10)
            for what in ("groups", "scenes"):  # a broker that has forgotten them
                await centre.client.publish(f"lamplighter/lln/gw1/desired/{what}", b"", qos=1, retain=True)
            centre.last.clear()
            process = start_gateway(config)
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == 3)
            answer = await centre.ask("scene", "market-1", scene="market", for_s=600)
            assert answer["ok"], answer
            assert set(answer["posts"]) == {"p01", "p02", "p03"}
            wanted = {"p01": 35, "p02": 80, "p03": 80}
            await centre.until(lambda: {post: centre.state(post).get("target_percent") for post in wanted} == wanted)
            assert centre.state("p02")["why"] == "override"
            for topic in list(centre.last):
                await centre.client.publish(f"lamplighter/lln/gw1/{topic}", b"", qos=1, retain=True)
    finally:
        stop(process)
