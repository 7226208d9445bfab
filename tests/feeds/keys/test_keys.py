"""A key is found in its order, kept where nobody else reads it, and shown nowhere."""

from __future__ import annotations

import io
import os
import stat
import sys
import threading
import traceback
from datetime import date

import keyring
import pytest
from rich.console import Console
from rich.pretty import pretty_repr

from feeds.desk.history_sources import open_sources
from feeds.doctor.overrides import overrides, shown_url
from feeds.errors import InputError, StorageError
from feeds.keys.chain import KeyChain
from feeds.keys.file import KeyFile
from feeds.keys.keyring import Ring, RingError
from feeds.keys.keys import Keys, find, keys_of, redact

SECRET = "s3cr3t/MARKER+0123456789abcdefghij"
KEY_ID = "PKMARKERID0123456789"
ALPACA = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET}


class Vault:
    """A backend as the library has them, over a dict."""

    priority = 5
    name = "Vault"

    def __init__(self, **kept: str) -> None:
        self.kept = {("rotation-tui", feed): text for feed, text in kept.items()}

    def get_password(self, service, user):
        return self.kept.get((service, user))

    def set_password(self, service, user, password):
        self.kept[service, user] = password

    def delete_password(self, service, user):
        del self.kept[service, user]


class Failing(Vault):
    def get_password(self, service, user):
        raise RuntimeError(f"the daemon said {SECRET}")

    set_password = delete_password = get_password


@pytest.fixture
def ring_of(monkeypatch):
    """A Ring on a given backend, the way the library would hand it over."""

    def make(backend, answer_s: float = 30.0) -> Ring:
        monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
        return Ring(answer_s)

    return make


@pytest.fixture
def chain(tmp_path, ring_of):
    def make(backend=None, **environ) -> KeyChain:
        return KeyChain(tmp_path, keyring=ring_of(backend or Vault()), environ=environ)

    return make


def refusal(call, kind=InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert message.isprintable()
    assert " — " in message
    text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in text
    return message


def test_the_environment_goes_before_the_keyring_and_that_before_the_file(tmp_path, ring_of):
    KeyFile(tmp_path).put("finnhub", ("of the file".replace(" ", "_"),))
    vault = Vault(finnhub="of_the_keyring")

    def keys_of(keyring, **environ):
        keys = find("finnhub", environ=environ, folder=tmp_path, keyring=keyring)
        return keys.key, keys.secret, keys.source.split()[0]

    both = {"ROTATION_TUI_FINNHUB_KEY": "ours", "FINNHUB_API_KEY": "theirs"}
    assert keys_of(ring_of(vault), **both) == ("ours", "", "environment")
    assert keys_of(ring_of(vault), FINNHUB_API_KEY=" theirs\n") == ("theirs", "", "environment")
    assert keys_of(ring_of(vault), FINNHUB_API_KEY="  ") == ("of_the_keyring", "", "keyring")
    assert keys_of(ring_of(Vault())) == ("of_the_file", "", "file")
    assert find("massive", environ={}, folder=tmp_path, keyring=ring_of(Vault())) is None


@pytest.mark.parametrize("name", ["ROTATION_TUI_MASSIVE_KEY", "MASSIVE_API_KEY", "POLYGON_API_KEY"])
def test_every_name_of_the_massive_key(name):
    keys = find("massive", environ={name: "m"})
    assert (keys.key, keys.source) == ("m", f"environment {name}")


def test_alpaca_s_own_names_and_ours_are_never_mixed():
    keys = find("alpaca", environ=ALPACA)
    assert (keys.key, keys.secret) == (KEY_ID, SECRET)
    half = {"ROTATION_TUI_ALPACA_KEY": "x", **ALPACA}
    message = refusal(lambda: find("alpaca", environ=half))
    assert "ROTATION_TUI_ALPACA_KEY and ROTATION_TUI_ALPACA_SECRET" in message
    assert "its key ID and its secret key" in message


@pytest.mark.parametrize("bad", ["a b", "a\nb", "\x1b[2J", "käse", "x" * 513])
def test_what_would_break_a_header_is_no_key_and_is_not_quoted(bad):
    message = refusal(lambda: keys_of("alpaca", (KEY_ID, SECRET + bad), "environment X"))
    assert message.startswith("environment X: the secret key of alpaca")


@pytest.mark.parametrize(
    "backend",
    [
        Failing(),
        type("Weak", (Vault,), {"priority": 0.5})(finnhub="weak"),
        type("Plain", (Vault,), {"__module__": "keyrings.alt.file"})(finnhub="plain"),
        type("Null", (Vault,), {"__module__": "keyring.backends.null"})(finnhub="null"),
        type("Chain", (), {"backends": [type("Weak", (Vault,), {"priority": 0.5})(finnhub="weak")]})(),
        type("Broken", (Vault,), {"priority": property(lambda _: 1 / 0)})(),
    ],
    ids=lambda backend: type(backend).__name__,
)
def test_a_keyring_that_fails_or_keeps_plain_text_is_passed_over(tmp_path, ring_of, backend, caplog):
    caplog.set_level("DEBUG")
    assert find("finnhub", environ={}, folder=tmp_path, keyring=ring_of(backend)) is None
    chain = KeyChain(tmp_path, keyring=ring_of(backend), environ={})
    result = chain.keep("finnhub", (SECRET,))
    assert "a file that only you can read" in result[0]
    assert find("finnhub", environ={}, folder=tmp_path, keyring=ring_of(backend)).key == SECRET
    assert ("rotation-tui", "finnhub") not in getattr(backend, "kept", {}) or SECRET not in str(backend.kept)
    assert SECRET not in caplog.text + str(result)


def test_the_best_trusted_keyring_of_a_chain_is_taken(ring_of):
    weak = type("Weak", (Vault,), {"priority": 0.5})(finnhub="weak")
    chained = type("Chain", (), {"backends": [weak, Vault(finnhub="good")]})()
    assert ring_of(chained).get("finnhub") == "good"


def test_a_keyring_that_hangs_is_asked_once_and_left_behind(tmp_path, ring_of):
    asked, release = [], threading.Event()

    class Hanging(Vault):
        def get_password(self, service, user):
            asked.append(user)
            release.wait(60)

    keys = ring_of(Hanging(), answer_s=0.05)
    assert find("finnhub", environ={}, folder=tmp_path, keyring=keys) is None
    with pytest.raises(RingError, match="does not answer"):
        keys.get("massive")
    assert asked == ["finnhub"]
    release.set()


def test_without_the_library_there_is_no_keyring(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(RingError, match="not installed"):
        Ring().get("alpaca")
    assert find("alpaca", environ={}, folder=tmp_path, keyring=Ring()) is None
    assert not caplog.records, "a host would begin with a line for each key"


def test_the_file_is_its_owner_s_alone_from_its_first_byte(tmp_path, monkeypatch):
    modes = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda *a, **k: modes.append((str(a[0]), a[1:])) or real(*a, **k))
    folder = tmp_path / "new" / "config"
    before = os.umask(0)
    try:
        (tmp_path / "new").mkdir()
        KeyFile(folder).put("alpaca", (KEY_ID, SECRET))
    finally:
        os.umask(before)
    path = folder / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    created = [more for name, more in modes if ".tmp" in name]
    assert created, "else it was written by another way than this test looks at"
    assert all(more[1] == 0o600 and more[0] & os.O_EXCL for more in created)
    assert sorted(p.name for p in folder.iterdir()) == ["keys.json", "keys.lock"]
    assert KeyFile(folder).get("alpaca") == (KEY_ID, SECRET)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o666])
def test_a_file_that_others_can_open_is_refused_with_the_remedy(tmp_path, ring_of, mode):
    file = KeyFile(tmp_path)
    file.put("finnhub", (SECRET,))
    file.path.chmod(mode)
    message = refusal(lambda: find("finnhub", environ={}, folder=tmp_path, keyring=ring_of(Vault())))
    assert f"(mode {mode:o})" in message
    assert f"chmod 600 '{file.path}'" in message
    refusal(lambda: file.put("massive", (SECRET,)))
    file.path.chmod(0o600)
    assert file.get("finnhub") == (SECRET,)


def test_what_is_not_our_file_is_refused(tmp_path):
    file = KeyFile(tmp_path)
    for text in (f'{{"keys": {{"alpaca": "{SECRET}"}}}}', SECRET, f'{{"keys": {{"{SECRET}": 1}}}}', "\udcff"):
        file.path.write_bytes(text.encode("utf-8", "surrogateescape"))
        file.path.chmod(0o600)
        assert "is damaged" in refusal(lambda: file.get("alpaca"))
    file.path.unlink()
    os.mkfifo(file.path, 0o600)
    assert "is not a file" in refusal(lambda: file.get("alpaca"))
    file.path.unlink()
    file.path.mkdir()
    assert "keys.json: " in refusal(lambda: file.get("alpaca"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "config").write_text("a file where the folder should be")
    message = refusal(lambda: KeyFile(tmp_path / "config").put("finnhub", (SECRET,)), StorageError)
    assert message.endswith("cannot be written (File exists) — check free space and permissions")


def test_keep_list_forget(chain, tmp_path):
    vault = Vault()
    keys = chain(vault)
    assert keys.keep("Alpaca", (KEY_ID, SECRET)) == ["alpaca: stored in the keyring (Vault)"]
    keys.keep("finnhub", ("short",), in_file=True)
    lines = keys.lines()
    assert lines[0] == f"alpaca    keyring, ends in {KEY_ID[-4:]}"
    assert lines[1] == f"finnhub   file {tmp_path / 'keys.json'}", "a short key shows nothing of itself"
    assert lines[2] == "massive   none; see: rotation-tui config key set massive"
    assert keys.forget("alpaca") == ["alpaca: removed from the keyring"]
    assert keys.forget("finnhub") == [f"finnhub: removed from {tmp_path / 'keys.json'}"]
    assert keys.forget("finnhub") == ["finnhub: no key was stored"]
    assert vault.kept == {}
    assert not (tmp_path / "keys.json").exists()


def test_a_key_is_kept_in_one_place_only(chain, tmp_path):
    vault = Vault()
    keys = chain(vault)
    keys.keep("finnhub", ("first_one",))
    keys.keep("finnhub", ("second_one",), in_file=True)
    assert (vault.kept, KeyFile(tmp_path).get("finnhub")) == ({}, ("second_one",))
    keys.keep("finnhub", ("third_one",))
    assert KeyFile(tmp_path).get("finnhub") is None
    assert list(vault.kept.values()) == ["third_one"]


def test_a_keyring_that_cannot_be_asked_is_told_when_a_key_is_forgotten(chain):
    assert chain(Failing()).forget("finnhub") == [
        "finnhub: the keyring failed (RuntimeError); a key stored there would remain"
    ]
    weak = type("Weak", (Vault,), {"priority": 0.5})()
    assert chain(weak).forget("finnhub") == ["finnhub: no key was stored"]


def test_the_environment_is_mentioned_where_it_goes_first(chain):
    keys = chain(FINNHUB_API_KEY="env")
    note = "finnhub: note that FINNHUB_API_KEY in the environment takes precedence"
    assert keys.keep("finnhub", ("mine",))[-1] == note
    assert keys.forget("finnhub")[-1] == note


def test_one_unusable_key_does_not_hide_the_others(chain):
    keys = chain(FINNHUB_API_KEY=f"{SECRET} x", MASSIVE_API_KEY="m" * 20)
    lines = keys.lines()
    assert lines[1].startswith("finnhub   unusable: ")
    assert lines[2] == "massive   environment MASSIVE_API_KEY, ends in mmmm"
    assert SECRET not in str(lines)


def test_a_feed_without_a_key_is_named_as_such(chain):
    assert "choose one of alpaca, finnhub, massive" in refusal(lambda: chain().parts("yah\x1boo"))


def test_nothing_that_prints_a_key_shows_it():
    keys = keys_of("alpaca", (KEY_ID, SECRET), "keyring")

    def fails(keys: Keys) -> None:
        raise RuntimeError(f"{keys} and {keys!r}")

    out = io.StringIO()
    console = Console(file=out, width=200)
    try:
        fails(keys)
    except RuntimeError:
        console.print_exception(show_locals=True)
        traceback.print_exc(file=out)
    console.print(keys, pretty_repr(keys), pretty_repr({"all": [keys]}))
    assert "Keys(alpaca, from keyring)" in out.getvalue()
    assert SECRET not in out.getvalue()
    assert KEY_ID not in out.getvalue()


def test_a_text_that_quotes_a_key_is_veiled():
    keys_of("alpaca", (KEY_ID, SECRET), "keyring")
    keys_of("finnhub", ("tiny",), "keyring")
    redacted = redact(f"GET wss://x/?token={SECRET} as {KEY_ID} failed; tiny words stay")
    assert redacted == "GET wss://x/?token=••• as ••• failed; tiny words stay"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("wss://user:pass@ws.example:8443/v2?token=x#x", "wss://ws.example:8443/v2"),
        (f"wss://user:{SECRET}@ws.example:8443/v2", "(not an address)"),
        ("wss://us/er:pass@ws.example:8443/v2", "(not an address)"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("http://h/\x1b[2J", "http://h/[2J"),
        (SECRET, "(not an address)"),
        ("http://h:99999/", "(not an address)"),
    ],
)
def test_an_address_is_shown_without_credentials(given, expected):
    assert shown_url(given) == expected


def test_what_the_environment_overrides():
    environ = {
        **ALPACA,
        "ROTATION_TUI_YAHOO_REST_URL": "http://127.0.0.1:1/",
        "ROTATION_TUI_MASSIVE_KEY": SECRET,
        "ROTATION_TUI_HUB_PASSWORD": SECRET,
        "https_proxy": "http://me:pass@proxy:3128",
        "NO_PROXY": "localhost",
        "HOME": "/root",
    }
    result = overrides(environ)
    assert SECRET not in str(result)
    assert result["ROTATION_TUI_YAHOO_REST_URL"] == "http://127.0.0.1:1/"
    assert result["https_proxy"] == "http://proxy:3128"
    assert result["NO_PROXY"] == "localhost"
    assert result["APCA_API_KEY_ID"] == "(a key, not shown)"
    assert "HOME" not in result


async def test_stooq_s_key_is_taken_out_too():
    key = "stooqMARKER0123"
    async with open_sources("stooq", symbols=1, since=date(2024, 1, 1), environ={"STOOQ_API_KEY": key}):
        assert key not in redact(f"https://stooq.com/q/d/l/?s=spy.us&apikey={key}")
