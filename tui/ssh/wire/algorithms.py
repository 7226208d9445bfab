"""The algorithms that are offered: those that cost little and whose packets can be counted unopened.

A curve25519 exchange costs about a millisecond, with ML-KEM two; RSA and group exchanges cost a hundred times
as much, and strangers may ask for them. AES-GCM and encrypt-then-MAC leave the length of a packet readable,
so packets are counted before anything is decrypted; chacha20-poly1305 hides it, and costs asyncssh five times
as much per frame. OpenSSH (since 6.2), PuTTY, libssh and asyncssh have what is left; Dropbear's client does
not. asyncssh adds the markers of strict key exchange by itself.
"""

from __future__ import annotations

KEY_EXCHANGE = "*25519-sha256,curve25519-sha256@libssh.org"
"""A pattern, so that mlkem768x25519-sha256 is offered where the installed cryptography has it. It also covers
gss-curve25519-sha256, which asyncssh does not offer without GSSAPI."""
CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes128-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
SIGNATURES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Signatures of clients: none rests on SHA-1."""
GCM_TAG = 16
TAGS = {"hmac-sha2-256-etm@openssh.com": 32, "hmac-sha2-512-etm@openssh.com": 64}
"""MAC → bytes after each encrypted packet; a cipher that needs no MAC appends ``GCM_TAG`` bytes."""


def tag_size(mac: str) -> int:
    """Return the bytes after each encrypted packet; ``mac`` is asyncssh's ``recv_mac``."""
    return TAGS.get(mac, GCM_TAG)
