"""Posts whose flash is cut, worn, or given firmware, on the checker's street: what must hold, and that it can break."""

import random

import pytest

from lamppost.store.journal import Journal
from lamppost.store.slots import Slots
from lamppost.wire import faults
from lampsim.check.broken import Broken
from lampsim.check.run import drawn, play
from lampsim.check.witness.promises import Witness
from lampsim.check.world.firmware import BAD, DELIVERED, GOOD, image_of
from lampsim.check.world.flash import HOWS, Cut, Flash, Plan, Watched
from lampsim.check.world.street import Street
from lampsim.check.worlds import draw
from lampsim.faults.flash import BadImage, FlashCut, Update, WornFlash
from lampsim.faults.posts import PowerCut

SEED = 127  # six posts on one line, and some three minutes
POST = "p02"
MIXED = (12, 15, 57)  # small seeds that draw several of these faults


def street(*faults) -> Street:
    return Street(draw(SEED), faults, Witness())


def played(*faults) -> Street:
    one = street(*faults)
    one.run()
    return one


@pytest.mark.parametrize("seed", MIXED)
def test_the_promises_hold_with_all_of_them_and_a_case_replays(seed: int) -> None:
    outcome = play(drawn(seed))
    assert outcome.text == ""
    assert play(drawn(seed)) == outcome


def test_the_bad_images_of_the_fault_are_those_of_the_board() -> None:
    assert BadImage.KINDS == BAD
    assert set(Update.KINDS) == set(GOOD)
    assert len({image_of(11, kind, random.Random(1)) for kind in BAD}) == len(BAD) >= 12


def test_a_good_image_is_installed_tried_and_kept() -> None:
    one = played(Update(10.0, 60.0, POST, "good", 0)).posts[POST]
    assert one.firmware is not None
    assert one.firmware.outcomes == ["good: installed"]
    assert (one.firmware.slots.trial, one.firmware.slots.version) == (0, DELIVERED + 1)
    assert one.firmware.confirmed == one.firmware.running == DELIVERED + 1


@pytest.mark.parametrize("kind", ["dies", "deaf"])
def test_one_that_is_no_good_goes_back_to_the_old(kind: str) -> None:
    spec = draw(SEED)
    one = Street(spec, [Update(5.0, 60.0, POST, kind, 0)], Witness())
    one.run()
    one.loop.run_until(one.loop.now_us + 400_000_000)  # three starts of a deaf one last a minute and a half each
    firmware = one.posts[POST].firmware
    assert firmware is not None
    assert firmware.outcomes == [f"{kind}: installed"]
    assert (firmware.running, firmware.slots.trial, firmware.slots.refused) == (DELIVERED, 0, DELIVERED + 1)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_image_is_refused_with_a_reason_and_the_old_runs_on(kind: str) -> None:
    one = played(BadImage(10.0, 60.0, POST, kind, 0)).posts[POST]
    assert one.firmware is not None
    (outcome,) = one.firmware.outcomes
    assert outcome.startswith(f"{kind}: ")
    assert "installed" not in outcome
    assert one.firmware.running == DELIVERED


@pytest.mark.parametrize("seed", range(6))
def test_brown_outs_all_the_way_end_with_the_old_or_the_new(seed: int) -> None:
    one = played(Update(5.0, 100.0, POST, "good", 6 + seed), FlashCut(150.0, 0.0, "p03", HOWS[seed % 4], 0, 4))
    firmware = one.posts[POST].firmware
    assert firmware is not None
    assert one.posts[POST].starts > 2
    assert firmware.running in (DELIVERED, DELIVERED + 1)


def test_a_worn_flash_is_reported_and_the_light_goes_on() -> None:
    one = street(WornFlash(20.0, 5000.0, POST), PowerCut(60.0, 5.0, POST))
    seen = []

    def look() -> None:
        post = one.posts[POST].post
        assert post is not None
        seen.append(post.upkeep.bits >> faults.FLASH_REFUSES & 1)

    one.loop.at(100_000_000, look)
    one.run()
    assert seen == [1]


@pytest.mark.parametrize("seed", [3, 12, SEED])
def test_starts_that_flash_does_not_count_give_no_number_twice(seed: int) -> None:
    spec = draw(seed)
    one = Street(spec, [WornFlash(20.0, 60.0, POST, 4), PowerCut(120.0, 3.0, POST)], Witness())
    one.run()
    assert one.posts[POST].starts == 6
    assert "counters" in one.posts[POST].flash.refused
    epochs = {epoch for post, epoch, _ in one.witness.delivered.made if post == POST}
    assert len(epochs) >= 4
    assert len({key for key in one.witness.delivered.ids if key[0] == POST and key[1] in epochs}) >= 4 + 2 * 4


def test_on_a_worn_flash_nothing_is_tried_that_cannot_be_counted() -> None:
    one = played(Update(5.0, 60.0, POST, "dies", 0), WornFlash(12.0, 5000.0, POST)).posts[POST]
    assert one.firmware is not None
    assert one.firmware.outcomes == ["dies: installed"]
    assert one.firmware.running == DELIVERED
    assert one.firmware.slots.trial == 1, "the control: the trial was never over"


# --- it can fail


def test_firmware_that_was_changed_in_its_folder_is_noticed() -> None:
    one = street(Update(10.0, 60.0, POST, "good", 0), PowerCut(100.0, 1.0, POST))

    def spoil() -> None:
        files = one.posts[POST].flash.files
        files.update({path: data[:-1] for path, data in files.items()})

    one.loop.at(99_000_000, spoil)
    with pytest.raises(Broken, match="not what was signed") as broken:
        one.run()
    assert broken.value.promise == 1


def test_a_record_from_before_is_noticed() -> None:
    one = street(PowerCut(100.0, 1.0, POST))
    one.loop.at(99_000_000, lambda: Journal(one.posts[POST].flash).put("counters", b"\x80"))
    with pytest.raises(Broken, match="neither the old nor the new"):
        one.run()


def test_a_post_that_wears_its_flash_is_noticed() -> None:
    one = street()
    for second in range(30, 90):
        one.loop.at(second * 1_000_000, lambda: one.posts[POST].journal.put("life", b""))
    with pytest.raises(Broken, match="is written") as broken:
        one.run()
    assert broken.value.promise == 5


@pytest.mark.parametrize("how", HOWS)
def test_a_cut_leaves_what_it_says(how: str) -> None:
    gone: list[int] = []
    flash = Flash(gone.append)
    journal = Watched(flash, {})
    journal.put("slot", b"old")
    flash.cuts = [Plan(0, how, random.Random(3), 5)]
    with pytest.raises(Cut):
        journal.put("slot", b"new")
    assert gone == [5]
    assert Journal(flash).get("slot") == (b"new" if how == "done" else b"old")
    assert Slots(Journal(flash)).version == 0
