"""CRC-16/IBM-3740 (also called CCITT-FALSE): polynomial 0x1021, initial value 0xFFFF, no reflection, no final xor.

It turns noise away before the seal is computed; it protects from nobody.
"""

try:
    from binascii import crc_hqx

    def crc16(data: bytes) -> int:
        """The CRC of `data`, 0..65535."""
        return crc_hqx(data, 0xFFFF)

except ImportError:  # MicroPython: a table of 512 bytes makes it seven times as fast as bit by bit
    from array import array

    def _row(byte):
        value = byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
        return value

    _TABLE = array("H", [_row(byte) for byte in range(256)])

    def crc16(data: bytes) -> int:
        """The CRC of `data`, 0..65535."""
        table = _TABLE
        value = 0xFFFF
        for byte in data:
            value = ((value & 0xFF) << 8) ^ table[(value >> 8) ^ byte]
        return value
