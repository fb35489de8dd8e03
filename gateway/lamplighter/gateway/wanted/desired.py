"""Groups and scenes as the office wants them: checked whole, named by the hash of their content. Pure.

A *group* is a name for posts, to aim requests at; it stands beside the groups of the plan and goes before one of the
same name. A *scene* is a ready-made setting, recalled by its id in a request and always for a limited time: ordered
rules, each a level for groups and posts, and the first that names a post counts.

What is wrong is said in one line, and then the ones in force stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lamplighter.gateway.centre.topics import DESIRED_MAX, parse
from lamplighter.plans.hashing import document_hash

ID = re.compile(r"[a-z0-9-]{1,32}")
GROUPS_MAX = 1000  # four for each post of the largest cabinet
SCENES_MAX = 1000
RULES_MAX = 10_000  # memberships of all groups, or rules of all scenes: some 0.5 MB, and a second to check
NAMES_MAX = 250  # of one rule: every post of a cabinet

Groups = Mapping[str, frozenset[str]]


class Rule(NamedTuple):
    """A level for whoever is named."""

    groups: tuple[str, ...]
    posts: tuple[str, ...]
    level_pm: int


class Wanted(NamedTuple):
    """A checked payload: its hash and its content, by id; `rules` is how many there are in all."""

    hash: str
    content: dict[str, Any]
    rules: int


def read_groups(payload: bytes, posts: list[str]) -> Wanted:
    """A desired/groups payload: {"groups": {id: [posts] or "all"}}. Raises ValueError."""
    name, raw = _open(payload, "groups", dict, GROUPS_MAX)
    known, groups, rules = frozenset(posts), {}, 0
    for group, members in raw.items():
        _check_id(group, "group")
        if members == "all":
            groups[group] = known
        else:
            groups[group] = frozenset(_names(members, f"group {group}", len(known)))
            strange = sorted(groups[group] - known)
            if strange:
                raise ValueError(f"group {group}: there is no post {strange[0][:40]!r} at this gateway")
        rules += len(groups[group])
    _bound(rules, "members of groups")
    return Wanted(name, groups, rules)


def read_scenes(payload: bytes, posts: list[str]) -> Wanted:
    """A desired/scenes payload: {"scenes": [{"id", "rules": [{"groups", "posts", "level_percent"}]}]}.

    Groups need not be there yet: they come by their own way, and are looked up when a scene is recalled. Raises
    ValueError.
    """
    name, raw = _open(payload, "scenes", list, SCENES_MAX)
    scenes: dict[str, tuple[Rule, ...]] = {}
    rules = 0
    for scene in raw:
        if not isinstance(scene, dict) or set(scene) != {"id", "rules"} or not isinstance(scene["rules"], list):
            raise ValueError('a scene must be {"id": ..., "rules": [...]}')
        _check_id(scene["id"], "scene")
        if scene["id"] in scenes:
            raise ValueError(f"scene {scene['id']} appears twice; each must be one of its kind")
        rules += len(scene["rules"])
        _bound(rules, "rules of scenes")
        scenes[scene["id"]] = tuple(_rule(rule, scene["id"], posts) for rule in scene["rules"])
    return Wanted(name, scenes, rules)


def levels(scene: tuple[Rule, ...], groups: Mapping[str, Any], posts: list[str]) -> dict[str, int]:
    """The level of each post that a rule of the scene names; the first rule counts. Raises ValueError."""
    found: dict[str, int] = {}
    for rule in scene:
        for group in rule.groups:
            if group not in groups:
                raise ValueError(f"the scene names the group {group!r}, which is not at this gateway")
        named = set(rule.posts).union(*(groups[group] for group in rule.groups))
        for post in named:
            found.setdefault(post, rule.level_pm)
    return {post: found[post] for post in posts if post in found}


def _open(payload: bytes, what: str, kind: type, most: int) -> tuple[str, Any]:
    """The hash and the content of the envelope."""
    value = parse(payload, DESIRED_MAX)
    content: Any = value.get(what)
    if not isinstance(content, kind) or len(content) > most:
        raise ValueError(f'"{what}" must be {"an object" if kind is dict else "a list"} of at most {most}')
    if document_hash(content) != value.get("hash"):
        name = str(value.get("hash"))[:20]
        raise ValueError(f"the hash is {document_hash(content)}, not {name}; it was changed on its way")
    return value["hash"], content


def _rule(raw: Any, scene: str, posts: list[str]) -> Rule:
    where = f"scene {scene}"
    if not isinstance(raw, dict) or not set(raw) <= {"groups", "posts", "level_percent"}:
        raise ValueError(f'{where}: a rule must be {{"groups": [...], "posts": [...], "level_percent": ...}}')
    level = raw.get("level_percent")
    if not isinstance(level, (int, float)) or isinstance(level, bool) or not 0 <= level <= 100:
        raise ValueError(f'{where}: "level_percent" {str(level)[:20]!r} must be a number from 0 to 100')
    groups, names = (_names(raw.get(part, []), where, NAMES_MAX) for part in ("groups", "posts"))
    if not groups and not names:
        raise ValueError(f"{where}: a rule must name groups or posts")
    strange = [name for name in names if name not in posts]
    if strange:
        raise ValueError(f"{where}: there is no post {strange[0][:40]!r} at this gateway")
    return Rule(groups, names, round(level * 10))


def _names(value: Any, where: str, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{where}: names must be a list of at most {most}")
    return tuple(dict.fromkeys(value))


def _check_id(value: Any, what: str) -> None:
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise ValueError(f"{what} {str(value)[:40]!r}: ids have 1 to 32 of a-z, 0-9 and -")


def _bound(rules: int, what: str) -> None:
    if rules > RULES_MAX:
        raise ValueError(f"more than {RULES_MAX} {what}; use fewer")
