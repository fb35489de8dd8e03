"""What the output of a lamp's sensor does with what it sees: the post has one input for each class of user.

A sensor looks once a second, at the whole second. Its output for a class goes up in a second in which it sees a user
of that class and down in the first second in which it sees none.
"""

from collections.abc import Iterator

import numpy as np

from .data import Users
from .sensors import Sightings

Edge = tuple[int, int, int, bool]  # second, lamp, class of user, whether somebody is there


def edges(sightings: Sightings, users: Users) -> Iterator[Edge]:
    """All edges in the order of time; within a second those that go down first, then by lamp."""
    t_s, kind = users.t_s[sightings.row], users.kind[sightings.row].astype(np.int64)
    keys = np.unique((t_s * 4 + kind) * 65536 + sightings.lamp)
    t_s, kind, lamp = keys // 65536 // 4, keys // 65536 % 4, keys % 65536
    sensor = lamp * 4 + kind
    order = np.lexsort((t_s, sensor))
    sensor, t_s = sensor[order], t_s[order]
    joined = np.zeros(len(order), bool)  # seen in the second before by the same sensor
    joined[1:] = (sensor[1:] == sensor[:-1]) & (t_s[1:] == t_s[:-1] + 1)
    last = np.append(~joined[1:], True) if len(order) else joined
    ups = [(int(t), 1, int(s)) for t, s in zip(t_s[~joined], sensor[~joined], strict=True)]
    downs = [(int(t) + 1, 0, int(s)) for t, s in zip(t_s[last], sensor[last], strict=True)]
    for t, up, s in sorted(ups + downs):
        yield t, s // 4, s % 4, bool(up)
