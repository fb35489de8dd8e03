"""Ed25519 verification (RFC 8032, section 5.1.7), in Python integers: 10 ms on a PC, a second or so on an RP2040.

Verification only: no secret is handled, so nothing here has to run in constant time. As strict as the RFC: S below the
group's order, points in their one canonical encoding; a public key of small order is refused too, since anything
would verify under it. `pause()` is called some sixty times on the way, so that a watchdog can be fed.
"""

from lamppost.sign.sha512 import digest

_P = (1 << 255) - 19
_L = (1 << 252) + 27742317777372353535851937790883648493
# Written out, though each follows from a line of RFC 8032: five powers at import are a third of a second on a board
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555  # -121665 / 121666
_ROOT = 19681161376707505956807079304988542015446066515923890162744021073123829784752  # of minus one
_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,  # 4 / 5
    1,
    46827403850823179245072216630277197565144205554125654976674165829533817101731,
)
_MASK = (1 << 255) - 1
_ZERO = (0, 1, 1, 0)


def verify(public: bytes, message, signature: bytes, pause=None) -> bool:
    """Whether `signature` (64 bytes) is that of `message`, given in pieces, under the key `public` (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a = _decode(public)
    s = int.from_bytes(signature[32:], "little")
    if a is None or s >= _L or _small(a) or _decode(signature[:32]) is None:
        return False
    k = int.from_bytes(digest(_chain((signature[:32], public), message), pause), "little") % _L
    return _encode(_sum(s, k, _negative(a), pause)) == bytes(signature[:32])


def _chain(first, then):
    for part in first:
        yield part
    for part in then:
        yield part


def _sum(s: int, k: int, a, pause):
    """[s]B + [k]a, both at once from the highest bit down (Shamir's trick)."""
    both = _add(_BASE, a)
    point = _ZERO
    for bit in range(252, -1, -1):
        point = _add(point, point)
        if s >> bit & 1:
            point = _add(point, both if k >> bit & 1 else _BASE)
        elif k >> bit & 1:
            point = _add(point, a)
        if pause and not bit & 3:
            pause()
    return point


def _add(p, q):
    """The sum of two points in extended coordinates (X, Y, Z, T) (RFC 8032, section 5.1.4)."""
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _negative(p):
    return _P - p[0], p[1], p[2], _P - p[3]


def _small(p) -> bool:
    """Whether eight times the point is nothing."""
    for _ in range(3):
        p = _add(p, p)
    return p[0] % _P == 0 and (p[1] - p[2]) % _P == 0


def _encode(p) -> bytes:
    inverse = pow(p[2], _P - 2, _P)
    x = p[0] * inverse % _P
    y = p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(raw: bytes):
    """The point that 32 bytes stand for, None where they stand for none (RFC 8032, section 5.1.3)."""
    value = int.from_bytes(raw, "little")
    y, sign = value & _MASK, value >> 255
    if y >= _P:
        return None
    u = (y * y - 1) % _P
    v = (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _ROOT % _P
        if (v * x * x - u) % _P:
            return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P
