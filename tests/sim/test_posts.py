"""The real post as a process of the simulation, on each interpreter, with the line of its own process."""

import asyncio
import os

import pytest

from lampsim.compile_edge import compile_edge
from lampsim.line_process import LineProcess
from lampsim.posts import Lamp, Post, Site, micropython

INTERPRETERS = ["cpython"] + (["micropython"] if micropython() else [])
pytestmark = pytest.mark.system


@pytest.fixture
async def line():
    process = LineProcess("bus0", ["gw", "p01"], 115_200)
    await process.start()
    yield process
    await process.stop()


class Watched(Post):
    """A post whose next lamp action or readiness can be awaited."""

    def __init__(self, site):
        self.seen: asyncio.Queue = asyncio.Queue()
        super().__init__(site, on_event=lambda post, event: self.seen.put_nowait(event))

    async def next(self, kind):
        while not isinstance(event := await asyncio.wait_for(self.seen.get(), 20), kind):
            pass
        return event


@pytest.mark.parametrize("interpreter", INTERPRETERS)
async def test_a_post_without_plan_lights_fully_survives_a_power_cut_and_quits(interpreter, line, tmp_path):
    mpy = compile_edge(tmp_path / "cache") if interpreter == "micropython" else None
    post = Watched(Site("p01", line.paths["p01"], tmp_path / "p01", 115_200, mpy=mpy))
    assert post.interpreter == interpreter
    await post.start()
    assert (await post.next(Lamp)).target_pm == 1000, list(post.errors)
    await post.kill()
    await post.start()
    assert (await post.next(Lamp)).target_pm == 1000, list(post.errors)
    assert post.presence(True)
    assert await post.stop() == 0, list(post.errors)
    with pytest.raises(ProcessLookupError):
        os.kill(post.pid, 0)
