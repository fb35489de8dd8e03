"""Firmware for whole lines: blocks, who installs when, and what a gateway keeps of it."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, GATEWAY, POST, Case, Mutant

# six posts: on a quick line, and on one on which an image takes a quarter of a minute
QUICK_LINE = Case("127", '[{"fault": "cast", "at_s": 8.55}, {"fault": "gateway-death", "at_s": 11.2, "for_s": 0.3}]')
SLOW_LINE = Case(
    "450",
    """[
    {"fault": "cast", "at_s": 5},
    {"fault": "hostile-blocks", "at_s": 5, "for_s": 20, "line": "a", "kind": "forged"},
    {"fault": "gateway-death", "at_s": 12, "for_s": 2}]""",
)
THIEF = Case(
    "450",
    """[
    {"fault": "cast", "at_s": 5},
    {"fault": "hostile-blocks", "at_s": 5, "for_s": 80, "line": "a", "kind": "stolen"}]""",
)
TAKEN_BACK = Case(
    "450",
    """[
    {"fault": "cast", "at_s": 5},
    {"fault": "withdrawn-cast", "at_s": 9},
    {"fault": "frame-loss", "at_s": 5, "for_s": 60, "line": "a", "rate": 0.3},
    {"fault": "frame-loss", "at_s": 5, "for_s": 60, "line": "b", "rate": 0.3}]""",
)

MUTANTS = [
    Mutant(
        "whoever speaks adds to an image", POST + "blocks.py", "if not [key for key in keys if", "if [] and [key for key in keys if",
        case=SLOW_LINE,
    ),
    Mutant(
        "a segment that lies in flash is asked for again", POST + "blocks.py", "self._segment = have // _SEGMENT if",
        "self._segment = 0 if", case=SLOW_LINE,
    ),
    Mutant(
        "what a thief has put in is refused for ever", POST + "intake.py", "if not self._unchecked or", "if True or", case=THIEF,
    ),
    Mutant(
        "who has yet to start again is on trial", POST + "blocks.py", '"installing" if intake.untried else "on trial"', '"on trial"',
        EDGE_TEST + "blocks.py",
    ),
    Mutant(
        "nobody goes first", GATEWAY + "wanted/firmware.py", "if self._proven else 1", "if True else 1", case=QUICK_LINE,
    ),
    Mutant(
        "who starts again is not waited for", GATEWAY + "wanted/firmware.py",
        "sum(target.until_ms > now_ms for target in self._posts.values())",
        "sum(target.until_ms > now_ms for target in here.values())", case=QUICK_LINE,
    ),
    Mutant(
        "a gateway that was killed asks the next one at once", GATEWAY + "wanted/firmware.py", "self._install_ms = now_ms + RESTARTS_MS",
        "self._install_ms = now_ms", case=QUICK_LINE,
    ),
    Mutant(
        "a poll waits for all blocks of a segment", GATEWAY + "lines/cast.py", "bool(self._left) and not self._mine", "bool(self._left)",
        case=QUICK_LINE,
    ),
    Mutant(
        "what was taken back goes on", GATEWAY + "wanted/firmware_desk.py", "self._rollouts.pop(key).ended = True",
        "self._rollouts.pop(key).ended = False", case=TAKEN_BACK,
    ),
    Mutant(
        "a gateway that was killed has no image any more", GATEWAY + "wanted/firmware_desk.py",
        "self._put(Image.read(await asyncio.to_thread(path.read_bytes)))", "Image.read(await asyncio.to_thread(path.read_bytes))",
        case=SLOW_LINE,
    ),
]  # fmt: skip
