"""SHA-512 (FIPS 180-4) in integers, for boards whose firmware has SHA-256 only. Where hashlib has it, that is used.

The constants are computed once from the primes they come from (sections 4.2.3 and 5.3.5), which costs less room than
listing them. On an RP2040 a block of 128 bytes takes some 60 ms (estimate): a manifest of 2 KB about a second.
"""

_MASK = 0xFFFFFFFFFFFFFFFF


def _root(value: int, power: int) -> int:
    """The integer root: the greatest r with r**power <= value (Newton's method from above)."""
    guess = 1 << (_bits(value) // power + 1)
    while True:
        better = ((power - 1) * guess + value // guess ** (power - 1)) // power
        if better >= guess:
            return guess
        guess = better


def _bits(value: int) -> int:
    count = 0
    while value:
        value >>= 1
        count += 1
    return count


def _primes(count: int) -> list:
    primes = [2]
    candidate = 3
    while len(primes) < count:
        for prime in primes:
            if candidate % prime == 0:
                break
        else:
            primes.append(candidate)
        candidate += 2
    return primes


class Sha512:
    """`update` any bytes, then `digest` once, 64 bytes."""

    _constants = ()  # made at the first use: an update is rare, the RAM is not

    def __init__(self):
        if not Sha512._constants:
            primes = _primes(80)
            Sha512._constants = [_root(prime << 192, 3) & _MASK for prime in primes]
        self._state = [_root(prime << 128, 2) & _MASK for prime in _primes(8)]
        self._rest = b""
        self._length = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._length += len(data)
        data = self._rest + bytes(data)
        whole = len(data) // 128 * 128
        for at in range(0, whole, 128):
            self._block(data, at)
        self._rest = data[whole:]

    def digest(self) -> bytes:
        """The hash of everything taken; the object is used up."""
        pad = b"\x80" + bytes((111 - len(self._rest)) % 128)
        length = self._length * 8
        self.update(pad + length.to_bytes(16, "big"))
        return b"".join([word.to_bytes(8, "big") for word in self._state])

    def _block(self, data: bytes, start: int) -> None:
        words = [int.from_bytes(data[at : at + 8], "big") for at in range(start, start + 128, 8)]
        for i in range(16, 80):
            x = words[i - 15]
            y = words[i - 2]
            x = _turn(x, 1) ^ _turn(x, 8) ^ x >> 7
            y = _turn(y, 19) ^ _turn(y, 61) ^ y >> 6
            words.append((words[i - 16] + x + words[i - 7] + y) & _MASK)
        a, b, c, d, e, f, g, h = self._state
        for i in range(80):
            s = _turn(e, 14) ^ _turn(e, 18) ^ _turn(e, 41)
            t = h + s + (e & f ^ (e ^ _MASK) & g) + self._constants[i] + words[i]
            s = _turn(a, 28) ^ _turn(a, 34) ^ _turn(a, 39)
            h, g, f, e = g, f, e, (d + t) & _MASK
            d, c, b, a = c, b, a, (t + s + (a & b ^ a & c ^ b & c)) & _MASK
        mixed = (a, b, c, d, e, f, g, h)
        self._state = [(one + other) & _MASK for one, other in zip(self._state, mixed)]


def _turn(word: int, by: int) -> int:
    return (word >> by | word << 64 - by) & _MASK


try:
    from hashlib import sha512
except ImportError:  # a board
    sha512 = None


def digest(parts, pause=None) -> bytes:
    """SHA-512 of the parts, one after the other: 64 bytes. `pause()` is called after each 256 bytes."""
    sha = sha512() if sha512 else Sha512()
    for part in parts:
        for at in range(0, len(part), 256):
            sha.update(part[at : at + 256])
            if pause:
                pause()
    return sha.digest()
