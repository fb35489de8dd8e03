"""The parts of a World, put together from a town: lines, posts and gateways, each with keys and chance of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from lamplighter.plans.streets import Streets
from lamppost.store.settings import Settings
from lamppost.wire import cbor

from .ageing import Ageing, counted_s
from .centre import Centre
from .gateway import VirtualGateway
from .hoods import hoods
from .loop import Loop
from .options import Options
from .post import SharedKey, VirtualPost
from .wire import Wire


class Ears(NamedTuple):
    """Who is told what the parts do, and where they get wires and the gateways' time."""

    new_wire: Callable[[str], Wire]
    post_did: Callable[[VirtualPost, tuple], None]
    gateway_did: Callable[[str, tuple], None]
    whisper: Callable[[str, str, tuple], None]
    utc_ms: Callable[[], int]


class Parts(NamedTuple):
    """By name."""

    wires: dict[str, Wire]
    posts: dict[str, VirtualPost]
    gateways: dict[str, VirtualGateway]


def owners(town: Any) -> dict[str, str]:
    """The cabinet of each line."""
    owner = {bus.id: bus.gateway for bus in town.buses}
    return {lamp.bus: owner.get(lamp.bus, "gw1") for lamp in town.lamps}


def build(
    town: Any, owner: Mapping[str, str], loop: Loop, centre: Centre, streets: Streets | None, seed: object,
    options: Options, ageing: Ageing, ears: Ears,
) -> Parts:  # fmt: skip
    """The parts of the cabinets that `options` asks for; nothing is switched on yet."""
    bus_sites: dict[str, list] = {}
    for site in town.sites:
        if options.here(owner[site.bus]):
            bus_sites.setdefault(site.bus, []).append(site)
    wires = {bus: ears.new_wire(bus) for bus in bus_sites}
    bus_keys = {bus: _key(seed, f"bus {bus}") for bus in wires}
    keys = {site.id: _key(seed, f"post {site.id}") for sites in bus_sites.values() for site in sites}
    posts = _posts(town, loop, wires, keys, bus_keys, seed, options, ageing, ears)
    gateways: dict[str, VirtualGateway] = {}
    cabinets: dict[str, list] = {}
    for bus in wires:
        cabinets.setdefault(owner[bus], []).extend(bus_sites[bus])
    near = hoods(cabinets, streets, options.relay)
    for name, sites in cabinets.items():
        buses = [bus for bus in wires if owner[bus] == name]
        gateways[name] = VirtualGateway(
            loop, name, {bus: wires[bus] for bus in buses}, sites, {site.id: keys[site.id] for site in sites},
            {bus: bus_keys[bus] for bus in buses}, centre, ears.utc_ms, seed, options.cycle_s * 1000,
            ears.gateway_did, near[name], ears.whisper,
        )  # fmt: skip
    return Parts(wires, posts, gateways)


def _posts(
    town: Any, loop: Loop, wires: Mapping[str, Wire], keys: Mapping[str, bytes], bus_keys: Mapping[str, bytes],
    seed: object, options: Options, ageing: Ageing, ears: Ears,
) -> dict[str, VirtualPost]:  # fmt: skip
    shared = {bus: SharedKey(key) for bus, key in bus_keys.items()}
    generator = random.Random(f"{seed} drift")
    posts: dict[str, VirtualPost] = {}
    for i, lamp in enumerate(town.lamps):
        drift_ppm = generator.randint(-options.drift_ppm, options.drift_ppm)  # of those elsewhere too
        if lamp.id in keys:
            settings = _settings(lamp, keys[lamp.id], bus_keys[lamp.bus], options)
            posts[lamp.id] = VirtualPost(
                loop, wires[lamp.bus], lamp.id, lamp.address, i, settings, shared[lamp.bus], seed, ears.post_did,
                drift_ppm, lit_s=counted_s(options, ageing.age_h(i)),
            )  # fmt: skip
    return posts


def _key(seed: object, name: str) -> bytes:
    return sha256(f"lampsim {seed} {name}".encode()).digest()


def _settings(lamp: Any, post_key: bytes, bus_key: bytes, options: Options) -> bytes:
    values: list = ["unnamed", 0, b"", b"", b"", 900]
    settings = Settings(values)
    for name, value in (
        ("identity", lamp.id), ("address", lamp.address), ("post-key", post_key), ("bus-key", bus_key),
        ("reading-s", options.reading_s), ("clo", options.clo),
    ):  # fmt: skip
        settings.put(name, value)
    return cbor.encode(settings.values)
