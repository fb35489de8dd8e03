"""Write the wire vectors: `python tests/vectors/generate.py`. Nothing of Lamplighter is imported here.

The bytes come from cbor2, cobs, hmac, hashlib, struct and binascii, from edge/PROTOCOL.md and from nothing else, so
that the committed files are a second opinion on our code. All bytes are hexadecimal; `line` is what stands on the wire,
with the delimiters. CBOR byte strings are {"bytes": HEX} and integers over 53 bits {"int": DECIMAL}. How each file is
made: making/.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from making.finding import finding_vectors  # noqa: E402 - a script beside its parts
from making.frames import frame_vectors, short_vectors  # noqa: E402
from making.messages import message_vectors  # noqa: E402
from making.parts import cbor_vectors, cobs_vectors, crc_vectors, seal_vectors  # noqa: E402
from making.rolling import rolling_vectors  # noqa: E402
from making.session import session_vectors  # noqa: E402

FILES = {
    "cobs": cobs_vectors, "crc": crc_vectors, "cbor": cbor_vectors, "seals": seal_vectors, "frames": frame_vectors,
    "short": short_vectors, "messages": message_vectors, "session": session_vectors, "finding": finding_vectors,
    "rolling": rolling_vectors,
}  # fmt: skip


def text(name: str) -> str:
    """The content of NAME.json."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in FILES:
        (HERE / f"{name}.json").write_text(text(name), encoding="utf-8")
        print(f"wrote {name}.json")
