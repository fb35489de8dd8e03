"""The board's SHA-512 and Ed25519 against independent implementations, on thousands of inputs."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from lamppost.sign.ed25519 import verify
from lamppost.sign.sha512 import Sha512


@given(st.lists(st.binary(max_size=300), max_size=4))
def test_sha512(parts: list[bytes]) -> None:
    ours = Sha512()
    for part in parts:
        ours.update(part)
    assert ours.digest() == hashlib.sha512(b"".join(parts)).digest()


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
@settings(max_examples=40)
def test_what_another_implementation_signs_is_verified(seed: bytes, message: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert verify(public, [message], key.sign(message))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 767), st.binary(max_size=40))
@settings(max_examples=60)
def test_both_refuse_the_same_flipped_bits(seed: bytes, bit: int, message: bytes) -> None:
    """256 bits of the key and 512 of the signature: a flipped one is refused, here as there."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    both = bytearray(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) + key.sign(message))
    both[bit // 8] ^= 1 << bit % 8
    public, signature = bytes(both[:32]), bytes(both[32:])
    assert not verify(public, [message], signature)
    with pytest.raises((InvalidSignature, ValueError)):
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
