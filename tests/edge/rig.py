"""What every test of a post needs, and little enough to stand beside one in a small heap."""

BUS_KEY = bytes([9]) * 32
NOON = 835401600 + 43200  # 2026-06-22T12:00:00Z


class Random:
    """Predictable bytes."""

    def __init__(self, seed=1):
        self._state = seed

    def __call__(self, count):
        out = bytearray()
        for _ in range(count):
            self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
            out.append(self._state >> 16 & 255)
        return bytes(out)


def post_key(address):
    return bytes([address]) * 32
