"""Groups and watch lists: what a file may say, what is imported, and where a mistake stands."""

from __future__ import annotations

import pytest

from rotation.desk import LegList
from rotation.errors import InputError
from tui.settings.added import add_watchlist
from tui.settings.file import read
from tui.settings.imported import symbols_of
from tui.settings.reload import ConfigWatch
from tui.wanted import Wanted


def file(tmp_path, text: str, name: str = "config.toml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_groups_come_first_and_every_symbol_once(tmp_path):
    path = file(
        tmp_path,
        '[watchlists]\nmine = ["aapl", "BRK-B", "AAPL"]\n[watchlists."two words"]\nsymbols = ["^VIX"]\n'
        '[groups]\nbanks = ["KRE", "kbe"]\n',
    )
    assert read(path).lists == (
        LegList("banks", ("KRE", "KBE")),
        LegList("mine", ("AAPL", "BRK-B"), is_watchlist=True),
        LegList("two words", ("^VIX",), is_watchlist=True),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[groups]\n\nbanks = "KRE"\n', ", line 3: groups.banks: expected a list of symbols, such as"),
        ("[groups]\nbanks = []\n", ", line 2: groups.banks: expected a list of symbols"),
        (
            '[watchlists]\na = ["X"]\nb = ["A", "B C"]\n',
            ", line 3: watchlists.b: 'B C' is not a valid",
        ),
        ('[watchlists.b]\nsymbols = ["A", 5]\n', ", line 1: watchlists.b: 5 is not a valid symbol"),
        ('[watchlists.b]\nsymbol = ["A"]\n', ", line 1: watchlists.b: expected a list of symbols"),
        ('[groups]\n"a/b" = ["X"]\n', "'a/b' cannot be the name of a list"),
        (
            '[groups]\na = ["X"]\n[watchlists]\na = ["Y"]\n',
            ", line 4: 'a' is the name of a group and",
        ),
        ("groups = 5\n", ", line 1: groups is a table; write [groups]"),
        ("[watchlist]\n", ", line 1: unknown table [watchlist]; did you mean 'watchlists'?"),
        (
            "[watchlists]\nmany = [" + ", ".join(f'"A{n}"' for n in range(101)) + "]\n",
            "at most 100 symbols in all groups and watch lists; 101 are listed",
        ),
        ("[groups]\n" + "".join(f'g{n} = ["A"]\n' for n in range(21)), "at most 20 groups and watch lists"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read(file(tmp_path, text))
    assert message in str(caught.value)


TICKER = """\
# of ticker
show-summary: true
watchlist:
  - NET
  - "BRK-B"   # a share
  - BTC-USD
lots:
  - symbol: "ABNB"
    quantity: 35.0
groups:
  - name: crypto
    watchlist:
      - ETH-USD
      - NET
    holdings:
      - symbol: SOL
"""


@pytest.mark.parametrize(
    ("name", "text", "symbols"),
    [
        ("a.txt", "aapl msft\n# all of it\nGOOG,AMZN;IWM # more\n\nAAPL\n", "AAPL MSFT GOOG AMZN IWM"),
        ("a", "\ufeffIWM\r\nQQQ\r\n", "IWM QQQ"),
        ("a.csv", "Account,1\n\nSymbol,Quantity\nIWM,5\n QQQ ,\n,7\n", "IWM QQQ"),
        ("a.csv", 'name;"Ticker"\n"A; B";IWM\nC;BRK.B\n', "IWM BRK.B"),
        ("a.csv", "symbol,n\nBRK/B,1\nbf/b,2\nBRK-B,3\n", "BRK.B BF.B BRK-B"),
        ("a.csv", '"Qty, total",Symbol\n5,IWM\n', "IWM"),
        ("a.csv", '"Qty, total";Symbol\n"1,5";IWM\n', "IWM"),
        ("a.tsv", "Symbol\tName\nIWM\tRussell\n", "IWM"),
        ("a.txt", "# mine\n\nName\tTicker\nRussell\tIWM\n", "IWM"),
        ("a.txt", "symbol\nIWM\nQQQ\n", "IWM QQQ"),
        (".ticker.yaml", TICKER, "NET BRK-B BTC-USD ETH-USD"),
    ],
)
def test_a_list_is_imported(tmp_path, name, text, symbols):
    assert symbols_of(file(tmp_path, text, name)) == tuple(symbols.split())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "IWM\n\nQQQ $SPY\n", "a.txt, line 3: '$SPY' is not a valid symbol"),
        ("a.txt", "# nothing\n", "a.txt: holds no symbols"),
        ("a.txt", "IWM\0", "a.txt: this is no list of symbols"),
        (
            "a.csv",
            "ISIN,Close\nUS4642876555,2\n",
            "a.csv: no column is called symbol or ticker; the first line has ISIN, Close",
        ),
        (
            "a.tsv",
            "ISIN\nUS4642876555\n",
            "a.tsv: no column is called symbol or ticker; the first line has ISIN",
        ),
        ("a.csv", "\n", "a.csv: holds no symbols"),
        ("a.csv", "x\nsymbol,n\nIWM,1\nA B,2\n", "a.csv, line 4: 'A B' is not a valid symbol"),
        ("a.csv", 'symbol\nIWM\n"QQQ\n', "a.csv, line 3: unexpected end of data"),
        ("a.yaml", "watchlist: [NET, TEAM]\n", "a.yaml, line 1: 'watchlist: [NET, TEAM]' is not understood"),
        ("a.yaml", "watchlist:\n  - NET\n  - {a: 1}\n", "a.yaml, line 3: '- {a: 1}' is not understood"),
        ("a.yaml", "watchlist:\n  - &x NET\n", "a.yaml, line 2: '- &x NET' is not understood: of ticker's"),
        ("a.yaml", "lots:\n  - symbol: ABNB\n", "a.yaml: has no watchlist:"),
        ("a.yaml", "watchlist:\n  - NET\n  - A B\n", "a.yaml, line 3: 'A B' is not a valid symbol"),
    ],
)
def test_what_cannot_be_a_list_is_named_with_its_line(tmp_path, name, text, message):
    path = file(tmp_path, text, name)
    with pytest.raises(InputError) as caught:
        symbols_of(path)
    assert str(caught.value).startswith(str(tmp_path / message))


def test_other_bytes_and_no_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"IWM\n\xff\n")
    with pytest.raises(InputError, match=r"line 2: not UTF-8"):
        symbols_of(path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        symbols_of(tmp_path / "b.txt")


def test_what_is_added_stands_at_the_end_and_nothing_else_is_touched(tmp_path):
    path = file(tmp_path, '# mine\n[watchlists]\na = ["X"]')
    before = path.read_text()
    add_watchlist(path, "two words", ("IWM", "QQQ"))
    assert path.read_text() == before + '\n\n[watchlists."two words"]\nsymbols = ["IWM","QQQ"]\n'
    with pytest.raises(InputError, match="not changed"):
        add_watchlist(path, "a", ("IWM",))
    assert [each.name for each in read(path).lists] == ["a", "two words"]


def test_a_changed_list_makes_another_desk(tmp_path):
    path = file(tmp_path, "")
    watch = ConfigWatch(path, read(path))
    path.write_text('[groups]\na = ["X"]\n')
    watch.poll()
    applied = watch.poll()
    assert applied.message == "config.toml: groups follow once they can be shown"
    assert applied.reopening.names == ("groups",)
    assert applied.reopening.wanted(Wanted()).lists == (LegList("a", ("X",)),)
