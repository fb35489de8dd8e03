"""What a person sees: the picture of a fixed scene, as text, and the light on its ground."""

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from lampsim.inventory import Flat, default, routes
from lampsim.picture import Picture, _Ground
from lampsim.scene import BrokerView, BusView, GatewayView, PersonView, PlanView, PostView, Scene, Way
from lampsim.view import PlainLog, View, render, summary

PICTURES = Path(__file__).parent / "pictures"
CHAPTERS = ("Dusk", "A walker in the park", "Another plan", "The gateway is killed", "It comes back")


def scene() -> Scene:
    """A walker at p05, the gateway just killed, one post without power."""
    lamps = default()
    flat = Flat.around(lamps)
    posts = [PostView(p.id, *flat.xy_m(p.lat, p.lon), level_pm=300) for p in lamps]
    for post, level in zip(posts[2:8], (600, 1000, 1000, 1000, 600, 450), strict=True):
        post.level_pm = level
    for post in posts[::6]:
        post.micropython = True
    posts[4].sees, posts[20].alive = True, False
    now = Scene("Ottignies-Louvain-la-Neuve", posts, [Way(*route) for route in routes(lamps, flat)], chapters=CHAPTERS)
    now.people = [PersonView(posts[4].x_m + 4, posts[4].y_m), PersonView(posts[15].x_m, posts[15].y_m - 4, "car")]
    now.clock, now.chapter, now.progress = "Sun 21 June 2026  22:41:07", 3, 0.7
    now.story = "The posts hear each other on the bus: light still runs ahead of her."
    now.gateway = GatewayView(False, at=(40.0, -25.0), posts_online=24, backlog=17, retries=3)
    now.broker = BrokerView(received=1204, lost=0, doubled=0)
    now.bus = BusView(19_200, 43.4, 5310, 4, 2)
    now.plan = PlanView("louvain-park", "3fa91c07bb12aa00", 24)
    now.wave_ms = (31, 74)
    for i in range(9):
        now.tell("walk", f"p{i + 1:02} sees a pedestrian", f"22:40:{50 + i}")
    return now


def text_of(now: Scene, width: int, height: int, **kwargs) -> str:
    console = Console(
        record=True, file=io.StringIO(), width=width, height=height, force_terminal=True, _environ={}, **kwargs
    )
    console.print(render(now, Picture(now), width, height))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


@pytest.mark.parametrize("size", [(100, 30), (80, 24), (150, 45)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_picture(size):
    """After a wanted change: delete the file under tests/sim/pictures, run once, look at it, commit it."""
    picture, path = text_of(scene(), *size, no_color=True), PICTURES / f"{size[0]}x{size[1]}.txt"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture)
        pytest.fail(f"{path.name} was missing and has been written: look at it and commit it")
    assert picture == path.read_text()


@pytest.mark.parametrize("width", [60, 89, 100, 220])
@pytest.mark.parametrize("height", [18, 30, 60])
def test_it_fits_every_window_exactly(width, height):
    lines = text_of(scene(), width, height, color_system="truecolor").splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) == width


def test_all_of_it_is_there_at_100_by_30():
    picture = text_of(scene(), 100, 30, color_system="truecolor")
    for words in (
        "The gateway is killed",
        "light still runs ahead",
        "22:41:07",
        "23 of 24",
        "31 / 74 ms",
        "louvain-park",
        "19,200 baud",
        "KILLED",
        "1,204",
        "0 / 0",
        "gw off",
        "on MicroPython",
        "no power",
        "p09 sees a pedestrian",
    ):
        assert words in picture, words


def test_every_post_and_person_is_drawn_and_levels_are_readable():
    picture = text_of(scene(), 100, 30, no_color=True)
    rows = [row[:68] for row in picture.splitlines()[5:22]]
    drawn = "".join(rows)
    assert [drawn.count(glyph) for glyph in "●◆×☻■▣"] == [19, 4, 1, 1, 1, 1]
    assert drawn.count("100") == 3


def test_a_brighter_lamp_makes_brighter_ground_and_a_dead_one_none():
    now = scene()
    ground = _Ground(now, 68, 17)
    brightness = {}
    for post in now.posts[:12]:
        row, column = ground.cell(post.x_m, post.y_m)
        for level in (0, 300, 1000):
            for other in now.posts:
                other.level_pm = 0
            post.level_pm = level
            brightness[level] = sum(ground.lit(now)[2 * row][column])
        assert brightness[0] < brightness[300] < brightness[1000]
        post.alive = False
        assert sum(ground.lit(now)[2 * row][column]) == brightness[0]
        post.alive = True


def test_daylight_makes_the_ground_brighter():
    now = scene()
    ground = _Ground(now, 68, 17)
    night = sum(ground.lit(now)[0][0])
    now.ambient = 1.0
    assert sum(ground.lit(now)[0][0]) > night


def test_an_empty_scene_is_drawn_too():
    for colours in ({"no_color": True}, {"color_system": "truecolor"}):
        assert "Nowhere" in text_of(Scene("Nowhere", []), 100, 30, **colours)


def test_plain_lines_tell_each_chapter_and_event_once():
    now, said = scene(), []
    log = PlainLog(now, said.append)
    log.update(100.0)
    log.update(100.2)
    assert said[0] == f"== 4/5 The gateway is killed: {now.story}"
    assert said[1:] == [f"22:40:{50 + i}  p{i + 1:02} sees a pedestrian" for i in range(9)]
    now.chapter, now.story = 4, "Nothing was lost."
    now.tell("ok", "17 readings came late", "22:42:00")
    log.update(111.0)
    assert said[10:] == ["== 5/5 It comes back: Nothing was lost.", "22:42:00  17 readings came late", summary(now)]
    assert "gateway down, backlog 17" in said[-1]


def test_more_events_than_are_kept_lose_the_oldest_only():
    now, said = scene(), []
    for i in range(300):
        now.tell("ok", f"event {i}", "22:42:00")
    PlainLog(now, said.append).update(0.0)
    assert said[-1] == "22:42:00  event 299"
    assert len(said) == 1 + 200


async def test_a_pipe_gets_lines_and_a_terminal_a_picture():
    pipe = Console(file=io.StringIO(), width=100)
    async with View(scene(), pipe) as view:
        assert view.plain
    assert "p09 sees a pedestrian" in pipe.file.getvalue()
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=100, height=30, _environ={})
    async with View(scene(), terminal) as view:
        assert not view.plain
        for _ in range(100):
            if "What happened" in shown.getvalue():
                break
            await asyncio.sleep(0)
    assert "What happened" in shown.getvalue()


def test_a_small_window_gets_lines():
    assert View(scene(), Console(file=io.StringIO(), force_terminal=True, width=50, height=30)).plain
