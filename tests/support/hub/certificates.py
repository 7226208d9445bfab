"""Certificates as an authority of our own signs them: for servers and clients, of any days."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
PEM = serialization.Encoding.PEM


class Pair(NamedTuple):
    """Files of a certificate and of its key."""

    cert: Path
    key: Path


class Authority:
    """Signs for a few days; ``pem`` is its own certificate."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.pem = folder / f"{name}.pem"
        made = _builder(self._name, self._name, self._key, (-1, 9)).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.pem.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def sign(self, name: str, *, days: tuple[int, int] = (-1, 9), passphrase: bytes = b"") -> Pair:
        """A certificate for 127.0.0.1. ``days``: from and until when it is valid, from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ipaddress.ip_address(HOST))
        made = _builder(_named(name), self._name, key, days).add_extension(
            x509.SubjectAlternativeName([address]), critical=False
        )
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        cipher: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            cipher = serialization.BestAvailableEncryption(passphrase)
        pair.key.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, cipher))
        return pair


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
    )
