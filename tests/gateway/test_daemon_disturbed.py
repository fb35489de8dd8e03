"""The daemon on a line that a post disturbs: real posts behind a pty, noise in real time, an alarm with its name."""

import asyncio
import random

import pytest
from cabinet import Centre, start_gateway, stop, write_config
from pty_street import PtyStreet

MAD, COUNT = 2, 3


class MadStreet(PtyStreet):
    """A street of which one post's program sends noise, unless it is bidden to be silent."""

    def __init__(self) -> None:
        self.noise = random.Random(5)
        self.loud = True
        super().__init__(COUNT)

    def babble(self) -> None:
        """A piece of noise, in the street's thread."""

        def say(street) -> None:
            line = street.lamps[MAD - 1].post.line
            if line is not None and street.lamps[MAD - 1].post.clock.t_ms >= line.silent_ms:
                data = self.noise.randbytes(self.noise.randint(10, 60))
                self.send(data, street.lamps[MAD - 1])

        self.call(say)


@pytest.mark.slow
@pytest.mark.system
async def test_the_post_is_named_and_the_others_go_on(tmp_path, mosquitto) -> None:
    street = MadStreet()
    gateway = start_gateway(write_config(tmp_path, street.port, mosquitto, COUNT))

    async def go_mad() -> None:
        while True:
            street.babble()
            await asyncio.sleep(street.noise.uniform(0.005, 0.03))

    try:
        async with Centre(mosquitto).listening() as centre:
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == COUNT)
            mad = asyncio.create_task(go_mad())
            alarms = await centre.until(lambda: [one for one in centre.of_kind("alarm") if one["alarm"] == "jabber"])
            assert alarms[0]["posts"] == [f"p{MAD:02}"]
            assert alarms[0]["on"]
            assert "kept silent" in alarms[0]["text"]
            assert centre.last["status"]["posts_online"] == COUNT
            before = len(centre.of_kind("presence", "p03"))
            street.sense(3)
            await centre.until(lambda: len(centre.of_kind("presence", "p03")) > before, 10)
            mad.cancel()
    finally:
        stop(gateway)
        street.close()
        print((tmp_path / "gateway.log").read_text())
