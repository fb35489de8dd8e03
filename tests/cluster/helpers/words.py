"""MQTT 3.1.1 packets, spoken by hand: what a broker answers, or that it hangs up."""

import socket
import ssl
import struct

PUBLISHED, SUBSCRIBED = b"\x40\x02\x00\x01", b"\x90\x03\x00\x01\x00"
WELCOME = b"\x20\x02\x00\x00"
ANSWER_S = 10.0


def text(words: str) -> bytes:
    data = words.encode()
    return struct.pack("!H", len(data)) + data


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def connect(client_id: str) -> bytes:
    return packet(0x10, text("MQTT") + b"\x04\x02\x00\x3c" + text(client_id))


def publish(topic: str) -> bytes:
    """QoS 1, not retained, an empty object."""
    return packet(0x32, text(topic) + b"\x00\x01{}")


def subscribe(topic: str) -> bytes:
    """QoS 0."""
    return packet(0x82, b"\x00\x01" + text(topic) + b"\x00")


def answers(address: tuple[str, int], tls: ssl.SSLContext, *packets: bytes) -> list[bytes]:
    """What comes back after each packet; b"" where the broker hangs up. Raises OSError where TLS fails."""
    found = []
    with (
        socket.create_connection(address, ANSWER_S) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        for one in packets:
            secure.sendall(one)
            try:
                found.append(secure.recv(100))
            except (ssl.SSLEOFError, ConnectionError):
                found.append(b"")
            if not found[-1]:
                break
    return found
