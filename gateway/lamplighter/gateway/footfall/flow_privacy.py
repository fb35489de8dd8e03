"""What of a window's counts may be published: nothing from which a count of one to four people can be read.

Rules
- A number of 1..4 is withheld (null), and with it every other figure of its zone. Zero is said: nobody is no person.
- Numbers that add up do not give a withheld one away: where the withheld directions of a zone together are 1..4, the
  smallest other direction is withheld as well.
- Zones that share posts do not either. Posts with the same zones are one *part*; while a part has been passed by 1..4
  people, only zones without a common post are published of those that hang together with it, the smallest first.
  Published numbers are then sums over separate sets of posts, each of five people or more: no difference is smaller.

This is cell suppression with complementary suppression as statistical offices do it (Willenborg and de Waal, Elements
of Statistical Disclosure Control, 2001), with the threshold of five people.
"""

from __future__ import annotations

from collections.abc import Sequence

SMALL_MAX = 4  # people; "small counts withheld", DESIGN.md


def small(count: int) -> bool:
    """Whether a count of people must not be told."""
    return 1 <= count <= SMALL_MAX


def directions(counts: Sequence[int]) -> list[int | None]:
    """The counts, None for those withheld."""
    told: list[int | None] = [None if small(count) else count for count in counts]
    hidden = sum(count for count in counts if small(count))
    if small(hidden):
        rest = [(count, i) for i, count in enumerate(told) if count]
        if rest:
            told[min(rest)[1]] = None
    return told


def allowed(zones: Sequence[Sequence[int]], footfall: Sequence[int], passed: Sequence[int]) -> list[bool]:
    """Which zones (their posts by index) may be told, given each zone's footfall and how often each post was passed."""
    told = [not small(count) for count in footfall]
    of_post: dict[int, list[int]] = {}
    for zone, posts in enumerate(zones):
        for post in posts:
            of_post.setdefault(post, []).append(zone)
    most: dict[tuple[int, ...], int] = {}
    for post, members in of_post.items():
        part = tuple(members)
        most[part] = max(most.get(part, 0), passed[post])
    risky = {zone for part, count in most.items() if small(count) for zone in part}
    for cluster in _clusters(len(zones), list(most)):
        if len(cluster) > 1 and (risky & set(cluster) or not all(told[zone] for zone in cluster)):
            _separate(cluster, zones, told)
    return told


def _separate(cluster: list[int], zones: Sequence[Sequence[int]], told: list[bool]) -> None:
    """Leave only zones without a common post, small zones before large ones."""
    taken: set[int] = set()
    for zone in sorted(cluster, key=lambda zone: (len(zones[zone]), zone)):
        if told[zone] and taken.isdisjoint(zones[zone]):
            taken.update(zones[zone])
        else:
            told[zone] = False


def _clusters(count: int, parts: list[tuple[int, ...]]) -> list[list[int]]:
    """Zones that hang together by common posts."""
    head = list(range(count))

    def find(zone: int) -> int:
        while head[zone] != zone:
            zone = head[zone]
        return zone

    for part in parts:
        for zone in part[1:]:
            head[find(zone)] = find(part[0])
    found: dict[int, list[int]] = {}
    for zone in range(count):
        found.setdefault(find(zone), []).append(zone)
    return list(found.values())
