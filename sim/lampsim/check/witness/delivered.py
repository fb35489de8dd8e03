"""Promise 3, of what a post tells: each item reaches the centre once, under one id and with one content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lampsim.check.broken import Breaks, Broken
from lampsim.check.witness.life import Life
from lampsim.check.witness.reported import FAULT_ITEM, Reported

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

SETTLE_US = 30_000_000  # an item made this close to the end may still be on its way
KINDS = {1: "reading", 2: "presence", 3: "fault", 4: "boot", 5: "plan"}


class Delivered:
    """The items of a street, at its posts and at the centre. Raises through `broken`."""

    def __init__(self, street: Street, reported: Reported, broken: Breaks) -> None:
        self._street, self._reported, self._broken = street, reported, broken
        self.made: dict[tuple[str, int, int], tuple[int, tuple]] = {}
        self._lost: set[tuple[str, int, int]] = set()
        self.got: dict[tuple[str, int], str] = {}
        self.ids: dict[tuple[str, int, int], tuple[str, int]] = {}
        self._with_the_store: set[tuple[str, int, int]] = set()  # items that a damaged database took with it
        self._forged: set[tuple[str, int]] = set()  # (post, number) of events that whoever has the bus key said
        self._epochs_lost = 0

    def count(self, one: StreetPost, life: Life) -> None:
        """A post may have made items since."""
        post = one.post
        assert post is not None
        newest = post.numbers._next_epoch if post.numbers.parted else post.item_epoch
        queue = post.items._waiting if post.items._later is None else post.items._later
        if newest != life.newest:  # its flash has refused to count: what was not told yet belongs to another epoch
            for item in queue:
                if item[0] < life.next_seq:
                    self.made[one.name, newest, item[0]] = self.made.pop((one.name, life.newest, item[0]))
            life.newest = newest
        if post.items.next_seq == life.next_seq:
            return
        for item in queue:
            if item[0] >= life.next_seq:
                key = (one.name, newest, item[0])
                if key in self.made and key not in self._lost:
                    raise self._broken(3, one, f"it gives the number {item[0]} to a second item")
                self._lost.discard(key)
                self.made[key] = (self._street.loop.now_us, item)
                one.made += 1
        life.next_seq = post.items.next_seq

    def stopped(self, one: StreetPost, life: Life) -> None:
        """The power of a post goes, and what waits in its RAM with it."""
        post = one.post
        assert post is not None
        self.count(one, life)
        self._lost.update((one.name, post.item_epoch, item[0]) for item in post.items._waiting)
        self._lost.update((one.name, life.newest, item[0]) for item in post.items._later or ())

    def forged(self, post: str, number: int) -> None:
        """An event was said in the name of a post: the number may be that of an item of the post's own."""
        self._forged.add((post, number))

    def received(self, epoch: str, seq: int, body: str) -> None:
        """The centre has got an item."""
        if self.got.setdefault((epoch, seq), body) != body:
            raise Broken(3, "the gateway", self._street.loop.now_us, f"item {seq} came again with another content")
        item = json.loads(body)
        if item["kind"] == "presence" and (item["post"], item["post_seq"]) in self._forged:
            return
        key = (item["post"], item["post_epoch"], item["post_seq"])
        before = self.ids.setdefault(key, (epoch, seq))
        if before != (epoch, seq) and (before[0] == epoch or not self._epochs_lost):
            raise Broken(3, item["post"], self._street.loop.now_us, f"its item {key[2]} has two ids at the centre")
        if key not in self.made:
            raise Broken(4, item["post"], self._street.loop.now_us, f"the centre got {item}, which it never made")
        self._same(item, self.made[key][1])

    def store_lost(self, items: list[dict[str, Any]]) -> None:
        """The gateway's database was damaged and is begun anew, with another epoch: only what it held may be missed."""
        self._epochs_lost += 1
        self._with_the_store.update((item["post"], item["post_epoch"], item["post_seq"]) for item in items)

    def end(self) -> None:
        """What was made has come, but for what was lost lawfully."""
        now, excused = self._street.loop.now_us, self._lost | self._with_the_store
        excused |= {key for key, (_, item) in self.made.items() if item[1] == 2 and (key[0], key[2]) in self._forged}
        for key, (made_us, item) in self.made.items():
            if key not in excused and key not in self.ids and made_us < now - SETTLE_US:
                raise Broken(3, key[0], now, f"item {key[2]} ({item}), made at {made_us / 1e6:.1f} s, never came")

    def _same(self, got: dict[str, Any], item: tuple) -> None:
        if got["kind"] != KINDS.get(item[1]):
            raise Broken(3, got["post"], self._street.loop.now_us, f"made {item}, but the centre got {got}")
        if item[1] == FAULT_ITEM and not self._reported.same(got, item):
            raise Broken(1, got["post"], self._street.loop.now_us, f"made {item}, but the centre got {got}")
        if item[1] == 1 and round(got["power_w"] * 1000) != item[4]:
            raise Broken(3, got["post"], self._street.loop.now_us, f"made {item}, but the centre got {got}")
