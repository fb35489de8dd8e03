"""Checking a plan file: every fault with its line and what to do, all at once, and nothing else ever escapes."""

import copy
import json
from importlib import resources

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lamplighter.plans.document import PlanFileError, load, load_file, load_value
from lamplighter.plans.faults import FAULTS_MAX
from lamplighter.plans.hashing import document_hash
from lamplighter.plans.times import Moment

EXAMPLES = sorted((resources.files("lamplighter.plans") / "examples").iterdir(), key=lambda file: file.name)

GOOD = {
    "plan": "street",
    "timeZone": "Europe/Brussels",
    "controlPrograms": [
        {
            "id": "night",
            "level": 80,
            "presence": "walkers",
            "activePeriods": [{"start": "sunset+10", "end": "sunrise-10"}],
            "switchPoints": [{"time": "22:30", "level": 30.5}],
        }
    ],
    "presenceProfiles": [
        {
            "id": "walkers",
            "holdSeconds": 20,
            "upMilliseconds": 1000,
            "downMilliseconds": 8000,
            "pedestrian": [{"reachMetres": 60, "level": 50}, {"reachMetres": 30, "level": 100}],
        }
    ],
    "calendars": [{"id": "all", "rules": [{"program": "night", "weekDays": ["mon"]}], "defaultProgram": "night"}],
    "groups": [{"id": "street", "posts": "all", "calendar": "all"}, {"id": "ends", "posts": ["p1"], "calendar": "all"}],
    "eventScenes": [
        {"id": "fair", "groups": ["ends"], "start": "2026-06-21T22:00", "end": "2026-06-22T01:00", "raise": 90}
    ],
}


def changed(path: str, value=...):
    """GOOD with the member at `path` ("calendars/0/id") replaced, or removed."""
    plan = copy.deepcopy(GOOD)
    at = plan
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parents:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return plan


def faults_of(plan) -> list[str]:
    try:
        load_value(plan, "p.json")
    except PlanFileError as error:
        return error.lines()
    return []


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_worked_examples_are_good(file):
    document = load(file.read_bytes(), file.name)
    assert document.tz_rule == "CET-1CEST,M3.5.0,M10.5.0/3"
    assert document.hash == document_hash(json.loads(file.read_bytes()))


def test_reads_what_is_written():
    document = load_value(GOOD)
    program = document.programs["night"]
    assert (program.level_pm, program.ramp_s, program.presence) == (800, 30, "walkers")
    assert program.periods == ((Moment(1, 10), Moment(2, -10)),)
    assert program.points == ((Moment(0, 630), 305),)
    assert document.profiles["walkers"].reaches == (((300, 1000), (600, 500)), (), ())
    assert document.floor_pm == 100
    assert (document.scenes[0].start_s, document.scenes[0].end_s - document.scenes[0].start_s) == (835387200, 3 * 3600)
    assert (document.group_of("p1").id, document.group_of("p2").id) == ("ends", "street")
    assert [group.id for group in document.groups_of("p1")] == ["street", "ends"]
    assert document.posts_of("ends", ["p2", "p1"]) == ["p1"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("safeFlor", 10, 'unknown key "safeFlor" in the plan; did you mean "safeFloor"?'),
        ("xyz", 10, 'unknown key "xyz" in the plan; known: plan, timeZone,'),
        ("plan", ..., 'the key "plan" is missing in the plan; add it'),
        ("plan", "Ma rue", 'write "ma-rue"'),
        ("timeZone", "Europe/Bruxelles", 'no time zone is named "Europe/Bruxelles"; did you mean "Europe/Brussels"?'),
        ("timeZone", "CET-1CEST,M3.5.0", "is no POSIX rule"),
        ("timeZone", "../../etc/passwd", "no time zone is named"),
        ("safeFloor", "10", '"safeFloor" must be a number, not a text; write it without quotes'),
        ("safeFloor", True, '"safeFloor" must be a number, not true or false'),
        ("safeFloor", 10.25, "safeFloor 10.25 is too fine; one decimal at most"),
        ("controlPrograms/0/level", 170, "level 170 is outside 0..100; it is in percent of full light"),
        ("controlPrograms/0/level", -1, "level -1 is outside"),
        ("controlPrograms/0/level", None, "not null"),
        ("controlPrograms/0/rampSeconds", 3601, "rampSeconds 3601 is outside 0..3600"),
        ("controlPrograms/0/rampSeconds", 1.5, "whole numbers at most"),
        ("controlPrograms/0/presence", "walker", 'no presence profile "walker"; did you mean "walkers"?'),
        ("controlPrograms/0/id", "n" * 25, "has 25 characters; at most 24"),
        ("controlPrograms/0/activePeriods/0/start", "sunsett+5", 'did you mean "sunset+5"?'),
        ("controlPrograms/0/activePeriods/0/start", "sunset + 5", 'did you mean "sunset+5"?'),
        ("controlPrograms/0/activePeriods/0/start", "sunset+721", "more than 720 minutes"),
        ("controlPrograms/0/activePeriods/0", {"start": "05:00", "end": "00:30"}, "ends before it starts in every"),
        ("controlPrograms/0/activePeriods/0", {"start": "dusk", "end": "dusk"}, "ends when it starts"),
        ("controlPrograms/0/activePeriods/0", "night", "an active period must be an object in braces, not a text"),
        ("controlPrograms/0/switchPoints/0/time", "25:00", '"25:00" is no time of a night; write 00:00 to 23:59'),
        ("controlPrograms/0/switchPoints/0/time", "7:05", 'did you mean "07:05"?'),
        ("controlPrograms/0/switchPoints", [{"time": "22:00", "level": 1}] * 2, "a second switch point at the same"),
        ("controlPrograms/0/switchPoints", [{"time": f"20:{i:02d}", "level": 1} for i in range(25)], "0 to 24 are"),
        ("controlPrograms", [], '"controlPrograms" has 0 items; 1 to 128 are possible'),
        ("controlPrograms", {}, '"controlPrograms" must be a list in square brackets, not an object'),
        ("controlPrograms/0/description", "", '"description" has 0 characters'),
        ("presenceProfiles/0/pedestrian", ..., 'presence profile "walkers" reacts to nobody; add pedestrian, cyclist'),
        ("presenceProfiles/0/holdSeconds", 601, "outside 1..600"),
        ("presenceProfiles/0/pedestrian/0/reachMetres", 30, "a second level for the same reach"),
        ("presenceProfiles/0/pedestrian/0/reachMetres", 151, "outside 0..150; it is in metres"),
        ("calendars/0/defaultProgram", "nigth", 'there is no control program "nigth"; did you mean "night"?'),
        ("calendars/0/rules/0/program", "gone", 'there is no control program "gone"'),
        ("calendars/0/rules/0/program", 5, "must be a text in double quotes, not a number"),
        ("calendars/0/rules/0/weekDays", ["monday"], '"monday" is no day of the week; write one of mon, tue'),
        ("calendars/0/rules/0/weekDays", [], '"weekDays" has 0 items'),
        ("calendars/0/rules/0/startDate", "2026-02-30", "impossible date; that month has the days 01 to 28"),
        ("calendars/0/rules/0/startDate", "2100-01-01", "a plan knows the years 2001 to 2099"),
        ("calendars/0/rules/0/startDate", "2026-13-01", "months are 01 to 12"),
        ("calendars/0/rules/0/startDate", "30/2/2026", "is no date; write 2026-12-24"),
        ("calendars/0/rules/0/startDate", "--12-24", "must both be every year's"),
        ("calendars/0/rules/0", {"program": "night", "startDate": "--02-30", "endDate": "--03-01"}, "01 to 29"),
        (
            "calendars/0/rules/0",
            {"program": "night", "startDate": "2026-03-02", "endDate": "2026-03-01"},
            "can never match: its endDate is before its startDate; swap them",
        ),
        (
            "calendars/0/rules/0",
            {"program": "night", "startDate": "2026-03-02", "endDate": "2026-03-03", "weekDays": ["sun", "wed"]},
            "can never match: none of its weekDays lies between its dates",
        ),
        ("calendars/0/rules", [{"program": "night"}] * 2, "can never match: the one on line"),
        ("groups/0/posts", "everybody", '"posts" is "everybody"; write "all", or a list'),
        ("groups/1/posts", ["p1", "p1"], 'the post "p1" stands twice in this group'),
        ("groups/1/posts", ["P 1"], 'the post "P 1" may hold only a-z, 0-9 and -; write "p-1"'),
        ("groups/1/id", "street", 'a second group "street"; the first is on line'),
        ("groups/1/calendar", "al", 'there is no calendar "al"; did you mean "all"?'),
        ("eventScenes/0/groups", ["end"], 'there is no group "end"; did you mean "ends"?'),
        ("eventScenes/0/cap", 5, "must have one of set, raise and cap, with a level; it has 2"),
        ("eventScenes/0/raise", ..., "it has 0"),
        ("eventScenes/0/end", "2026-06-21T21:00", 'event scene "fair" ends before it starts; swap start and end'),
        ("eventScenes/0/end", "2026-06-31T21:00", "impossible date; that month has the days 01 to 30"),
        ("eventScenes/0/end", "2026-06-22 01:00", "is no local date and time; write 2026-06-21T22:00"),
    ],
)
def test_a_broken_plan_names_its_fault_and_what_to_do(path, value, words):
    plan = changed(path, value)
    found = faults_of(plan)
    assert any(words in line for line in found), found


def test_names_the_line_of_the_fault():
    lines = json.dumps(changed("controlPrograms/0/level", 170), indent=2).split("\n")
    where = next(number for number, line in enumerate(lines, 1) if "170" in line)
    assert faults_of(changed("controlPrograms/0/level", 170)) == [
        f"p.json:{where}: level 170 is outside 0..100; it is in percent of full light"
    ]


def test_reports_all_faults_in_order():
    plan = changed("controlPrograms/0/level", 170)
    plan["groups"][0]["calendar"] = "x"
    plan["tmeZone"] = plan.pop("timeZone")
    found = faults_of(plan)
    assert len(found) == 4  # the missing time zone too
    assert [int(line.split(":")[1]) for line in found] == sorted(int(line.split(":")[1]) for line in found)


def test_too_many_faults_are_counted_not_shown():
    plan = changed("eventScenes")
    plan["groups"] = [{"id": f"g{i}", "posts": "all", "calendar": "none"} for i in range(120)]
    found = faults_of(plan)
    assert len(found) == FAULTS_MAX + 1
    assert found[-1] == "p.json: 70 more faults; mend these first"


def test_a_plan_that_would_not_fit_a_post_names_the_limit():
    base = changed(
        "controlPrograms", [dict(GOOD["controlPrograms"][0], id=f"night-program-{i:02d}") for i in range(17)]
    )
    names = [program["id"] for program in base["controlPrograms"]]
    base["calendars"][0] = {
        "id": "all",
        "rules": [{"program": name, "weekDays": ["mon"]} for name in names],
        "defaultProgram": names[0],
    }
    assert any("may use 16 programs; this one uses 17, split it" in line for line in faults_of(base))
    for program in base["controlPrograms"]:
        program["switchPoints"] = [{"time": f"dusk+{300 + m}", "level": 55.5} for m in range(24)]
        program["activePeriods"] = [{"start": f"dusk+{300 + m}", "end": f"dawn-{300 + m}"} for m in range(4)]
    base["calendars"][0]["rules"].pop()
    found = faults_of(base)
    assert any("bytes, more than 4096; use fewer switch points" in line for line in found), found


def test_too_many_scenes_for_a_post_names_the_limit():
    scenes = [dict(GOOD["eventScenes"][0], id=f"s{i}") for i in range(17)]
    assert any("17 event scenes, more than 16" in line for line in faults_of(changed("eventScenes", scenes)))
    halves = changed("eventScenes", scenes)
    for scene in halves["eventScenes"][:8]:
        scene["groups"] = ["street"]
    assert any("17 event scenes" in line for line in faults_of(halves))  # p1 is in both groups
    for scene in halves["eventScenes"]:
        scene["groups"] = ["ends"] if scene["id"] == "s0" else ["street"]
    assert any("17 event scenes" in line for line in faults_of(halves))


def test_a_megabyte_of_nonsense_is_refused(tmp_path):
    file = tmp_path / "n.json"
    file.write_bytes(b"\x00\x17nonsense" * 104_000)
    with pytest.raises(PlanFileError) as refused:
        load_file(file)
    assert len(str(refused.value).splitlines()) == 1
    file.write_bytes(b'{"aa":1},' * 200_000)
    with pytest.raises(PlanFileError, match="more than the 1048576 bytes"):
        load_file(file)


def test_a_megabyte_of_unknown_keys_ends_soon():
    text = json.dumps({f"key{i}": i for i in range(30_000)})
    with pytest.raises(PlanFileError) as refused:
        load(text)
    assert len(refused.value.lines()) == FAULTS_MAX + 1


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PlanFileError, match=r"gone\.json: cannot be read: No such file"):
        load_file(tmp_path / "gone.json")
    with pytest.raises(PlanFileError, match="Is a directory"):
        load_file(tmp_path)


def test_the_hash_is_of_the_meaning():
    spaced = json.dumps(GOOD, indent=7)
    turned = json.dumps(dict(reversed(GOOD.items()))).replace('"level": 80,', '"level": 80.0,')
    assert load(spaced).hash == load(turned).hash == load_value(GOOD).hash
    assert load_value(changed("safeFloor", 11)).hash != load_value(GOOD).hash
    assert len(load_value(GOOD).hash) == 16


JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.just([])
    | st.just({})
)


@st.composite
def mutated(draw):
    """A good plan with a few members replaced, removed, renamed or copied, or its text cut and spliced."""
    plan = json.loads(draw(st.sampled_from(EXAMPLES)).read_bytes())
    for _ in range(draw(st.integers(1, 4))):
        at = plan
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if draw(st.booleans()) and isinstance(at[key], dict | list):
                at = at[key]
                continue
            match draw(st.integers(0, 3)):
                case 0:
                    at[key] = draw(JUNK)
                case 1:
                    del at[key]
                case 2 if isinstance(at, list):
                    at.append(copy.deepcopy(at[key]))
                case _ if isinstance(at, dict):
                    at[draw(st.text(max_size=12))] = at[key]
            break
    data = json.dumps(plan, indent=1).encode()
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(data)))
        data = data[:cut] + draw(st.binary(max_size=8)) + data[cut + draw(st.integers(0, 8)) :]
    return data


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_nothing_but_a_plan_file_error_escapes(data):
    lines: list[str] = []
    try:
        assert load(data, "p.json").source
    except PlanFileError as error:
        lines = error.lines()
        event("refused")
    for line in lines:
        assert line.startswith("p.json:")
        assert line.isprintable()
