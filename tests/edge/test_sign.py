"""SHA-512 and Ed25519 against the published vectors (FIPS 180-4 examples, RFC 8032 section 7.1)."""

import unittest
from binascii import hexlify, unhexlify

from signing import Signer

from lamppost.sign import ed25519
from lamppost.sign.ed25519 import verify
from lamppost.sign.minisign import PublicKey, SignatureError, check
from lamppost.sign.sha512 import Sha512

ABC = (
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)
EMPTY = (
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
)
# RFC 8032, 7.1, TEST 1 to 3: seed, public key, message, signature
VECTORS = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
)  # fmt: skip


class Sha512Test(unittest.TestCase):
    def test_vectors_whole_and_cut_anywhere(self):
        self.assertEqual(hexlify(Sha512().digest()).decode(), EMPTY)
        for cut in range(4):
            sha = Sha512()
            sha.update(b"abc"[:cut])
            sha.update(b"abc"[cut:])
            self.assertEqual(hexlify(sha.digest()).decode(), ABC)


class Ed25519Test(unittest.TestCase):
    def test_vectors(self):
        for seed, public, message, signature in VECTORS:
            public, message, signature = unhexlify(public), unhexlify(message), unhexlify(signature)
            self.assertTrue(verify(public, [message], signature))
            signer = Signer(unhexlify(seed))
            self.assertEqual(signer.public, public)
            self.assertEqual(signer.sign(message), signature)

    def test_any_changed_byte_is_refused(self):
        _, public, message, signature = VECTORS[2]
        public, message, signature = unhexlify(public), unhexlify(message), unhexlify(signature)
        for at in range(0, 64, 3):
            bad = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
            self.assertFalse(verify(public, [message], bad), at)
        self.assertFalse(verify(public, [message, b"x"], signature))
        self.assertFalse(verify(public, [message], signature[:63]))
        self.assertFalse(verify(public[:31], [message], signature))
        self.assertFalse(verify(public, [message], b""))

    def test_the_constants_are_what_the_rfc_makes_them_of(self):
        p = ed25519._P
        self.assertEqual(ed25519._D, -121665 * pow(121666, p - 2, p) % p)
        self.assertEqual(ed25519._ROOT, pow(2, (p - 1) // 4, p))
        self.assertEqual(ed25519._BASE, ed25519._decode((4 * pow(5, p - 2, p) % p).to_bytes(32, "little")))

    def test_what_the_rfc_forbids(self):
        _, public, _, signature = VECTORS[0]
        public, signature = unhexlify(public), unhexlify(signature)
        s = int.from_bytes(signature[32:], "little") + ed25519._L  # the same S, once round the group
        self.assertFalse(verify(public, [], signature[:32] + s.to_bytes(32, "little")))
        one = (1).to_bytes(32, "little")
        self.assertFalse(verify(one, [], one + bytes(32)))  # a key of small order: everything would verify
        self.assertFalse(verify((ed25519._P + 1).to_bytes(32, "little"), [], one + bytes(32)))  # not canonical
        off = b"\x02" + bytes(31)  # y = 2 is no point of the curve
        self.assertIsNone(ed25519._decode(off))
        self.assertFalse(verify(off, [], signature))
        self.assertIsNone(ed25519._decode((1 | 1 << 255).to_bytes(32, "little")))  # x = 0 with a sign


class MinisignTest(unittest.TestCase):
    def test_says_the_trusted_comment(self):
        signer = Signer(b"k" * 32)
        keys = [PublicKey(Signer(b"n" * 32, b"nobody!!").key_text()), PublicKey(signer.key_text().split("\n")[1])]
        self.assertEqual(check([b"da", b"ta"], signer.minisign(b"data", "é 2026"), keys), "é 2026")

    def test_any_changed_byte_of_the_file_is_refused(self):
        signer = Signer(b"k" * 32)
        keys = [PublicKey(signer.key_text())]
        good = signer.minisign(b"data")
        start = good.find(b"\n") + 1
        for at in range(start, len(good) - 1, 7):
            bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
            self.assertRaises(SignatureError, check, [b"data"], bad, keys)
        for bad in (b"", b"\n\n\n\n", good * 4, good[:-20], good + b"x\n", b"\xff" + good):
            self.assertRaises(SignatureError, check, [b"data"], bad, keys)

    def test_what_is_no_key(self):
        for text in ("", "RW", "untrusted comment: x", "A" * 56, "RWQ" + "!" * 53):
            self.assertRaises(SignatureError, PublicKey, text)
