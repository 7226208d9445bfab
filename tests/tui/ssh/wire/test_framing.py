"""Version lines and packets, cut from bytes in any pieces and counted without a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ssh.wire.framing import KEXINIT, NEWKEYS, PACKET_MAX, Framing, FramingError
from tui.ssh.wire.turned_away import disconnect_packet


def packet(kind: int, body: bytes = b"", padding: int = 4) -> bytes:
    return (len(body) + 2 + padding).to_bytes(4, "big") + bytes([padding, kind]) + body + bytes(padding)


def whole(framing: Framing) -> list:
    return list(iter(framing.next, None))


@given(st.lists(st.integers(1, 40), min_size=1))
def test_any_pieces_give_the_same_packets(sizes):
    sent = [b"SSH-2.0-x\r\n", packet(KEXINIT, bytes(50)), packet(2), packet(NEWKEYS)]
    data, framing, packets = b"".join(sent), Framing(), []
    while data:
        for size in sizes:
            framing.feed(data[:size])
            data = data[size:]
            packets += whole(framing)
    assert [each.octets for each in packets] == sent
    assert [each.kind for each in packets] == [None, KEXINIT, 2, NEWKEYS]


@pytest.mark.parametrize("tag", [16, 32, 64])
def test_encrypted_packets_are_counted_by_their_lengths(tag):
    framing = Framing()
    framing.feed(b"SSH-2.0-x\n" + packet(NEWKEYS))
    assert len(whole(framing)) == 2
    framing.encrypt(tag)
    sent = [(n * 16).to_bytes(4, "big") + bytes(n * 16 + tag) for n in (1, 2, 30)]
    framing.feed(b"".join(sent))
    assert [(each.octets, each.kind) for each in whole(framing)] == [(octets, None) for octets in sent]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x00",
        b"SSH-1.5-x\r\n",
        b"SSH-2.0-" + b"x" * 250,
        b"SSH-2.0-x\n" + (PACKET_MAX + 1).to_bytes(4, "big") + b"\x04\x14",
        b"SSH-2.0-x\n" + (1).to_bytes(4, "big") + b"\x04\x14",
    ],
)
def test_what_cannot_be_ssh_is_known_at_once(data):
    framing = Framing()
    framing.feed(data)
    with pytest.raises(FramingError):
        whole(framing)


@pytest.mark.parametrize("length", range(20))
def test_a_disconnect_is_a_packet_of_whole_blocks(length):
    octets = disconnect_packet("x" * length)
    framing = Framing()
    framing.feed(b"SSH-2.0-x\n" + octets)
    assert whole(framing)[1] == (octets, 1)
    assert len(octets) % 8 == 0
    assert octets[4] >= 4
