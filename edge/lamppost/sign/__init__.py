"""Signatures of firmware for boards that have none: SHA-512, Ed25519 verification, the files of `minisign`."""
