"""The committed vectors are what independent code makes today (cbor2, cobs, hmac, binascii; nothing of ours)."""

import importlib.util
from binascii import crc_hqx
from pathlib import Path

import cbor2
import pytest
from cobs import cobs as reference_cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from lamppost.wire import cbor, cobs
from lamppost.wire.crc import crc16
from lamppost.wire.errors import WireError

VECTORS = Path(__file__).parents[2] / "vectors"


def generator():
    spec = importlib.util.spec_from_file_location("vector_generator", VECTORS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()
INTEGERS = st.integers(-(1 << 64), (1 << 64) - 1)
LEAVES = st.none() | st.booleans() | INTEGERS | st.binary(max_size=300) | st.text(max_size=80)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=30), max_leaves=60)


@pytest.mark.parametrize("name", sorted(GENERATOR.FILES))
def test_committed_vectors_are_current(name: str) -> None:
    assert (VECTORS / f"{name}.json").read_text(encoding="utf-8") == GENERATOR.text(name)


def test_every_vector_file_is_generated() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} >= set(GENERATOR.FILES)


def test_the_generator_imports_nothing_of_ours() -> None:
    files = sorted(VECTORS.rglob("*.py"))
    assert len(files) > 5
    lines = [line.strip() for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert not [line for line in lines if line.startswith(("import ", "from ")) and "lamp" in line]


def depth(value) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_cbor_is_cbor2(value) -> None:
    """[C-1] [C-2]"""
    if depth(value) > 6:
        with pytest.raises(WireError):
            cbor.encode(value)
        return
    data = cbor.encode(value)
    assert data == cbor2.dumps(value, canonical=True)
    assert cbor.decode(data) == value


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=40))
def test_accepted_cbor_has_one_encoding(data: bytes) -> None:
    """[C-2] Whatever is accepted, cbor2 reads as the same value and our encoder writes as the same bytes."""
    try:
        value = cbor.decode(data)
    except WireError:
        return
    assert cbor.encode(value) == data
    assert repr(cbor2.loads(data)) == repr(value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=700))
def test_cobs_is_the_reference(data: bytes) -> None:
    """[F-2]"""
    assert cobs.encode(data) == reference_cobs.encode(data)
    assert cobs.decode(cobs.encode(data)) == data


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=300))
def test_cobs_refuses_what_the_reference_refuses(data: bytes) -> None:
    """[F-2] An empty input is nothing to the reference and no frame to us."""
    try:
        expected = reference_cobs.decode(data) if data else None
    except reference_cobs.DecodeError:
        expected = None
    if expected is None:
        with pytest.raises(WireError):
            cobs.decode(data)
    else:
        assert cobs.decode(data) == expected


@given(st.binary(max_size=300))
def test_crc_is_binascii(data: bytes) -> None:
    """[F-4] The table that MicroPython uses is the same function."""
    table_source = (Path(__file__).parents[3] / "edge/lamppost/wire/crc.py").read_text()
    names: dict = {}
    block = table_source.split("except ImportError:")[1].split("\n", 1)[1]
    exec("\n".join(line.removeprefix("    ") for line in block.splitlines()), names)
    assert names["crc16"](data) == crc16(data) == crc_hqx(data, 0xFFFF)
