"""Bytes in, events out: framing, CBOR, seals and the two ends of a link. The specification is edge/PROTOCOL.md."""
