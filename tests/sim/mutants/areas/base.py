"""What a deliberate bug is, and the places that they are in."""

from typing import NamedTuple

CHECK = "check"
SEEDS = "127,146,133,209,217,262,289,389,116,126,205,196,250,259,322,334,197,215,233,258,270,371,404,442"  # small


class Case(NamedTuple):
    """What `lampsim check` plays: seeds, or one seed with a fault plan of its own."""

    seeds: str
    faults: str = ""


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    catcher: str = CHECK
    case: Case = Case(SEEDS)


POST, GATEWAY = "edge/lamppost/", "gateway/lamplighter/gateway/"
LIGHT, WIRE, STORE = POST + "light/", POST + "wire/", POST + "store/"
FLASH_TEST = "tests/sim/test_check_flash.py"
EDGE_TEST, GATEWAY_TEST = "tests/edge/test_", "tests/gateway/test_"
