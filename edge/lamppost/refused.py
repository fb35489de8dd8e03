"""What a Post does when flash refuses a record, and when it takes them again: code that most posts never need.

Settings that were refused hold until the power goes, and are written down as soon as flash works again.

Of a segment that was refused the items are still in RAM. Where flash does not take which numbers may be in use, items
from there on are of another epoch: they wait behind those of the epoch before, which keep theirs, and it begins once
none of those is left. It is written down as soon as flash works again.
"""

from lamppost.store.rows import Rows


def flash(numbers, works, name: str) -> None:
    """Flash has refused the record `name` of the Numbers' post, or takes what it is given again."""
    items, post = numbers.items, numbers._post
    if works or name == "settings":
        unkept, numbers.unkept = numbers.unkept, not works
        if not works:
            _settings(post)
        elif unkept and name != "settings":
            post.keep_settings()
    if works:
        items._flash = True
        if numbers._loose and not numbers.parted:
            anchor(numbers)
    elif name[:4] == "ring":
        if items._spilled:
            items._spilled = 0
            items._flash = False
            items._ring.taken_back()
    elif name == "counters":
        numbers._loose = True
        items._reserved = 0
        if numbers._kept:
            numbers._kept = False
            numbers._next_epoch = numbers.draw()
            held, items._waiting, items._later = items._waiting, Rows(), Rows()
            for item in held:
                (items._waiting if item[0] < numbers._safe_seq else items._later).append(item)
            turned(numbers)


def _settings(post) -> None:
    if post.rolling:
        post.rolling.refused()
    post.log("flash refuses the settings: they hold until the power goes", post.clock.t_ms)


def turned(numbers) -> bool:
    """Whether the other epoch begins now."""
    items, post = numbers.items, numbers._post
    if items.held():
        return False
    items._waiting, items._later = items._later, None
    numbers.epoch = items._ring.epoch = numbers._next_epoch
    numbers._next_epoch = -1
    if post.line:
        post.line.renew()
    if not post.upkeep.flash_bad:
        anchor(numbers)
    return True


def anchor(numbers) -> None:
    """Write down the newest epoch, and what of it may be in use."""
    numbers._loose = False
    numbers.items.secure()
