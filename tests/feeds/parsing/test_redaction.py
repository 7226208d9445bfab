"""Redaction: secrets planted everywhere are gone, what holds none stays byte for byte."""

from __future__ import annotations

import json
import string
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.parsing.redaction import HIDDEN, Redactor
from tests.support.servers import yahoo

SECRETS = st.text(string.ascii_letters + string.digits + "-_/+=.:@!$é", min_size=8, max_size=40).filter(
    lambda text: text == text.strip() and len(set(text)) > 3
)
PLAIN = st.text(string.ascii_lowercase + " ", max_size=12)
NAMED = ("apiKey", "api_key", "secret", "access_token", "account_number", "accountId", "Set-Cookie", "crumb",
         "userId", "session", "APCA-API-SECRET-KEY", "email", "client_ip", "ip")  # fmt: skip
WAYS = {
    "a value": lambda s: json.dumps({"msg": s}),
    "within a sentence": lambda s: json.dumps([{"T": "error", "msg": f"bad {s} given"}]),
    "a name": lambda s: json.dumps({s: 1}),
    "escaped": lambda s: json.dumps({"x": "é" + s}, ensure_ascii=True),
    "every letter escaped": lambda s: '{"x":"' + "".join(f"\\u{ord(c):04x}" for c in s) + '"}',
    "JSON within JSON": lambda s: json.dumps({"x": json.dumps({"y": [s]})}),
    "an address's query": lambda s: json.dumps({"next": f"https://a.example/p?q=1&z={quote(s, safe='')}"}),
    "an address's user": lambda s: f"see wss://{quote(s, safe='')}:x@a.example/p",
    "a header": lambda s: f"authorization: Bearer {s}",
    "a page": lambda s: f"<html><body>Ray {s}</body></html>",
    "base64": lambda s: json.dumps({"x": b64encode(s.encode()).decode()}),
    "base64 of a pair": lambda s: f"Basic {b64encode(f'{s}:'.encode()).decode()}",
    "base64 within a message": lambda s: json.dumps(
        {"message": b64encode(b"\x0a\x05" + s.encode()).decode()}
    ),
    "base64 for addresses": lambda s: json.dumps({"x": urlsafe_b64encode(b"ab" + s.encode()).decode()}),
    "hex": lambda s: s.encode().hex(),
    "in capitals": lambda s: s.upper(),
    "JSON lines": lambda s: json.dumps({"a": 1}) + "\n" + json.dumps({"b": [s]}) + "\n",
    "a CSV": lambda s: f"Date,Close\n2024-07-16,{s}\n",
}


def holds(text: str, secret: str) -> bool:
    """Whether the secret can be read out of it, whichever way it is written."""
    folded = text.casefold()
    seen = (secret, quote(secret, safe=""), secret.encode().hex(), json.dumps(secret)[1:-1])
    return any(form.casefold() in folded for form in seen) or secret.casefold() in unescaped(text).casefold()


def unescaped(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text


@given(secret=SECRETS, way=st.sampled_from(sorted(WAYS)), around=PLAIN)
def test_a_known_secret_is_gone_however_it_is_written(secret, way, around):
    redactor = Redactor([secret])
    planted = WAYS[way](secret)
    safe = redactor.text(planted)
    assert not holds(safe, secret)
    assert not redactor.is_leaking(safe)
    if planted.startswith("{"):
        assert [json.loads(line) for line in safe.splitlines()]  # still JSON
    assert redactor.binary(around.encode() + b"\xff" + secret.encode()) is None
    assert redactor.binary(msgspec.msgpack.encode([{"msg": around + secret}])) is None


@given(secret=SECRETS, name=st.sampled_from(NAMED), depth=st.integers(0, 4))
def test_an_unknown_secret_under_a_telling_name_is_gone(secret, name, depth):
    value: object = {name: secret, "p": 221.28}
    for _ in range(depth):
        value = [{"data": value}]
    safe = Redactor([]).text(json.dumps(value))
    assert not holds(safe, secret)
    assert "221.28" in safe
    assert Redactor([]).binary(msgspec.msgpack.encode(value)) is None


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("api_key=abc123 x", f"api_key={HIDDEN} x"),
        ("Authorization: Token abcdef123", None),
        ("mail me@example.org now", f"mail {HIDDEN} now"),
        ("your address 203.0.113.77 is barred", f"your address {HIDDEN} is barred"),
        ("https://user:pw@host/p", f"https://{HIDDEN}@host/p"),
        ("https://host/p?token=abc#x", f"https://host/p?{HIDDEN}"),
        ("PKABCDEFGHIJKLMNOP", HIDDEN),
        ("db-abcdefghijklmnopqrstuvwxyz", HIDDEN),
        ("eyJhbGciOi.eyJzdWIi.c2ln", HIDDEN),
    ],
)
def test_texts_that_look_like_secrets(text, safe):
    got = Redactor([]).text(text)
    assert got == safe if safe is not None else "abcdef123" not in got


@pytest.mark.parametrize(
    "frame",
    [
        '[{"T":"success","msg":"authenticated"}]',
        '[{"T":"t","S":"IWM","i":55,"x":"V","p":221.280,"s":100,"c":["@"],"z":"B","t":"2024-07-16T14:40:00.123456789Z"}]',
        '[{"ev":"status","status":"auth_success","message":"authenticated"}]',
        '{"type":"ping"}',
        '{"clobTokenIds":"[\\"8711182412\\", \\"5512\\"]","token_id":"71321045679"}',
        "Date,Open,High,Low,Close,Volume\r\n2024-07-10,1,2,3,4,5\r\n",
        yahoo.pricing("IWM", 221.28),
    ],
)
def test_what_holds_no_secret_stays_byte_for_byte(frame):
    assert Redactor(["some-secret-0123"]).text(frame) == frame
