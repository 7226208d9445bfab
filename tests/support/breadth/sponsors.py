"""Holdings files as two sponsors make them, of members that do not exist."""

from __future__ import annotations

HEAD = "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Exchange\n"
TITLE = 'iShares Russell 2000 ETF\nFund Holdings as of,"May 05, 2026"\n \n'


def sponsors(members: int = 1_600, title: str = TITLE) -> bytes:
    """A file as iShares makes it, of this many members of equal weight, and its odd lines."""
    lines = [
        f'"S{n}X","NAME {n}","Financials","Equity","1,000.00","{100 / members:.2f}","NYSE"\n'
        for n in range(members)
    ]
    odd = (
        '"MOGA","MOOG INC CLASS A","Industrials","Equity","10.00","0.00","NYSE"\n'
        '"-","ARCELLX INC Prvt","Health Care","Equity","1.00","0.00","NO MARKET (E.G. UNLISTED)"\n'
        '"P5N994","Petrocorp Inc Escrow","Energy","Equity","0.26","0.00","Non-Nms Quotation Service (Nnqs)"\n'
        '"XTSLA","CASH FUND","Cash and/or Derivatives","Money Market","5.00","0.00","-"\n'
        '"USD","USD CASH","Cash and/or Derivatives","Cash","-5.00","0.00","-"\n'
        " \n"
        '"The content contained herein is owned by its makers"\n'
    )
    return f"\ufeff{title}{HEAD}{''.join(lines)}{odd}".encode()


INVESCO = (
    "Fund Ticker,Security Identifier,Holding Ticker,Shares/Par Value,MarketValue,Weight,Name,"
    "Class of Shares,Sector,Date\n"
)


def invesco(members: int = 101, day: str = "09/24/2025", fund: str = "QQQ") -> bytes:
    """A file as Invesco makes it: padded tickers, the day on every line."""
    lines = (
        f'{fund},C{n},Q{n} ,"1,000","10,000.00",{100 / members:.3f},Name {n},Common Stock,Technology,{day}\n'
        for n in range(members)
    )
    return f"{INVESCO}{''.join(lines)}".encode()
