"""Every rule of edge/PROTOCOL.md has an id, every id has a test that names it, and no test names another."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
RULE = re.compile(r"^- \[([A-Z]-\d+)\]", re.MULTILINE)
MENTION = re.compile(r"\[([A-Z]-\d+)\]")
DOCSTRING = re.compile(r'def test_\w+\([^)]*\)[^:\n]*:\n\s+"""(.*?)"""', re.DOTALL)


def protocol() -> str:
    return (ROOT / "edge" / "PROTOCOL.md").read_text(encoding="utf-8")


def named_in_tests() -> dict[str, list[str]]:
    """The ids in the docstrings of test functions, and the files they are in."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for docstring in DOCSTRING.findall(path.read_text(encoding="utf-8")):
            for rule in MENTION.findall(docstring):
                found.setdefault(rule, []).append(path.name)
    return found


def test_every_rule_has_a_test_and_every_named_rule_exists() -> None:
    rules = RULE.findall(protocol())
    named = named_in_tests()
    assert len(rules) == len(set(rules)), "an id is used twice"
    assert len(rules) >= 50, "the rules are no longer found"
    assert not set(rules) - set(named), f"rules without a test: {sorted(set(rules) - set(named))}"
    assert not set(named) - set(rules), f"tests of rules that do not exist: {sorted(set(named) - set(rules))}"


def test_every_must_stands_in_a_rule() -> None:
    paragraphs = re.split(r"\n(?=- \[)|\n\s*\n", protocol())
    loose = [p for p in paragraphs if "MUST" in p and not RULE.match(p.lstrip()) and "RFC 2119" not in p]
    assert not loose, f"MUST without an id: {loose}"


def test_mentions_name_rules() -> None:
    text = protocol()
    example = {"F-1"}
    assert set(MENTION.findall(text)) - example <= set(RULE.findall(text))


def test_the_bounds_are_those_of_the_code() -> None:
    """The table of section 12 and the numbers of section 7."""
    from lamppost import limits
    from lamppost.wire import access, messages, packed, seldom

    text = protocol()
    in_flash = limits.RING_SEGMENTS * limits.RING_ITEMS
    for sentence in (
        f"payload:0..{limits.FRAME_PAYLOAD_MAX}",
        f"at most {packed.SHORT_MAX} bytes before stuffing",
        f"{limits.FRAME_OVERHEAD} to {limits.FRAME_MAX} bytes before",
        f"more than {limits.FRAME_MAX + 1} bytes of an", f"addresses 1 to {limits.ADDRESS_MAX}",
        f"nested more than {limits.CBOR_DEPTH_MAX} deep", f"more than {limits.CBOR_ITEMS_MAX:,} array items",
        f"0 to {access.SLOTS - 1} further slots",
        f"{limits.EVENT_TRIES} times in all, and {limits.EVENT_TRIES_ALONE} times",
        f"with {access.RETRY_MS}, {2 * access.RETRY_MS} ms and 0 to 255 ms",
        f"last {limits.TRANSACTIONS_MAX} transactions",
        f"of at most {limits.FIRMWARE_IMAGE_MAX:,} bytes", f"| segment | {limits.SEGMENT_BLOCKS} blocks |",
        f"at most {limits.BLOB_MAX:,} bytes, in blocks of {limits.BLOCK_BYTES}",
        f"| items waiting in a post | {limits.ITEMS_SPILL} in RAM, {in_flash:,} in flash |",
        f"| events waiting in a post | {limits.EVENTS_OUT_MAX} |",
        f"| {limits.COUNTER_RESERVE:,} of TIME, {limits.ITEMS_RESERVE} of items |",
        f"after at most {limits.OVERRIDE_MAX_S // 86400} days",
        f"({limits.COUNTER_RESERVE:,} at a time for TIME, {limits.ITEMS_RESERVE} for items)",
    ):  # fmt: skip
        assert sentence in text, sentence
    assert not set(messages.FIELDS) & set(seldom.FIELDS)
    for kind, fields in (messages.FIELDS | seldom.FIELDS).items():
        row = next(line for line in text.splitlines() if line.startswith(f"| 0x{kind:02x} |"))
        names = [part.split()[0] for part in row.split("|")[5].split(", ")]
        assert names == [name for name, _ in fields], row
