"""A site's certificate authority: who is who at the broker. X.509 with P-256, as every TLS library takes it.

The name in a certificate's CN is the identity: the broker takes it as the user name (`use_identity_as_username`), so
it decides which topics its holder sees. A certificate is for a server or for a client, never for both, and the
authority signs no further authorities.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lamplighter.provision import private

AUTHORITY_DAYS = 20 * 365  # a cabinet lives ten years, and its certificates are renewed under the same authority
CLIENT_DAYS = 825  # a cabinet without internet for two winters still gets in
SERVER_DAYS = 397  # what every TLS client accepts
BACKDATE = datetime.timedelta(days=1)  # clocks of cabinets without internet are not exact
KEY, CERTIFICATE = "ca.key", "ca.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key and its certificate, in PEM."""

    key: bytes
    certificate: bytes

    def __repr__(self) -> str:
        return "Identity()"  # never the key


class Authority:
    """Signs certificates; `certificate` is what everybody trusts, in PEM."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @property
    def certificate(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The same in DER, which every microcontroller reads."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    @classmethod
    def new(cls, site: str, now: datetime.datetime, days: int = AUTHORITY_DAYS) -> Authority:
        """An authority for a site."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Lamplighter {site}")
        usage = _usage(key_cert_sign=True, crl_sign=True)
        builder = _builder(name, name, key.public_key(), now, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @classmethod
    def read(cls, folder: Path) -> Authority:
        """From its folder. Raises ProvisionError."""
        try:
            key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
            certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or "it is damaged"
            raise private.ProvisionError(f"{folder}: no authority ({words}); restore it from the backup") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise private.ProvisionError(f"{folder}: {KEY} and {CERTIFICATE} do not belong together")
        return cls(key, certificate)

    def write(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        private.write(folder / KEY, _pem(self._key))
        private.write(folder / CERTIFICATE, self.certificate, private.PUBLIC)

    def client(self, identity: str, now: datetime.datetime, days: int = CLIENT_DAYS) -> Identity:
        """A certificate that lets `identity` into the broker."""
        return self._issue(identity, now, days, ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def server(self, names: list[str], now: datetime.datetime, days: int = SERVER_DAYS) -> Identity:
        """A certificate for a broker that is reached under these host names and addresses."""
        return self._issue(names[0], now, days, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def _issue(
        self, subject: str, now: datetime.datetime, days: int, purpose: x509.ObjectIdentifier, hosts: list[str]
    ) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(subject), self._certificate.subject, key.public_key(), now, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(above, critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Identity(_pem(key), certificate.public_bytes(serialization.Encoding.PEM))


def expiry(certificate: bytes) -> datetime.datetime:
    """The last moment of a certificate in PEM."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BACKDATE).not_valid_after(now + datetime.timedelta(days=days))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])  # X.520's limit


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(**yes: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: yes.get(name, False) for name in names})


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
