"""What a server still keeps of an earlier day: nothing of it stands beside today's as if it were known."""

from __future__ import annotations

from feeds.demo.fed import demo_fed
from feeds.demo.macro import demo_macro
from feeds.events import Batch, FedNews, MacroNews
from feeds.hub.publisher import NEWS_S
from rotation.quote import NS, Quote
from rotation.status import Kind
from tests.feeds.hub.test_relay import DAY, OPENS, Hub, Viewer
from tests.support.fake_time import NOW_NS

YESTERDAY = OPENS - 24 * 3600 * NS


def kept_of_yesterday():
    """By subject, the last message of a hub with the Fed and macro."""
    hub = Hub(now_ns=YESTERDAY)
    hub.take(Batch((Quote("IWM", YESTERDAY, 219.0), Quote("QQQ", YESTERDAY, 490.0))))
    hub.take(FedNews(demo_fed(NOW_NS)))
    hub.take(MacroNews(demo_macro(YESTERDAY)))
    return dict(hub.out())


def test_without_a_hub_of_today_all_of_yesterday_is_offline():
    viewer = Viewer(Hub().desk)
    viewer.fetch(kept_of_yesterday())
    shown = viewer.show()
    assert {leg.status.kind for leg in shown.legs.values() if leg.last is not None} == {Kind.OFFLINE}
    (row, *_) = shown.health.feeds
    assert (row.name, row.state) == ("hub", "OFFLINE")
    assert row.detail == "no hub is sending"
    assert not viewer.receiver.is_alive(viewer.now.s)


def test_prices_of_yesterday_are_not_todays():
    kept = kept_of_yesterday()
    hub = Hub(epoch=2)
    hub.take(Batch((Quote("IWM", OPENS, 221.0),)))
    kept.update(hub.out())
    viewer = Viewer(hub.desk)
    viewer.fetch(kept)
    viewer.take([hub.publisher.beat(OPENS)])
    shown = viewer.show()
    assert shown.session == DAY
    assert shown.legs["IWM"].last == 221.0
    assert shown.legs["QQQ"].last == hub.supervisor.latest.legs["QQQ"].last != 490.0


def test_figures_that_the_hub_of_today_does_not_have_go_once_it_had_time_to_read_them():
    kept = kept_of_yesterday()
    hub = Hub(epoch=2)
    kept.update(hub.out())
    viewer = Viewer(hub.desk)
    viewer.fetch(kept)
    assert viewer.show().macro is not None, "a hub that takes over reads them first"
    hub.now_ns += int(NEWS_S * NS) + NS
    viewer.take(hub.out())
    viewer.show()
    assert viewer.supervisor.latest.macro is None is hub.supervisor.latest.macro
    assert viewer.supervisor.latest.fed is None is hub.supervisor.latest.fed


def test_figures_that_the_hub_of_today_reads_late_stay_and_are_replaced():
    kept = kept_of_yesterday()
    hub = Hub(epoch=2)
    viewer = Viewer(hub.desk)
    viewer.fetch({**kept, **dict(hub.out())})
    hub.now_ns += int(NEWS_S * NS) - NS
    hub.take(MacroNews(demo_macro(OPENS)))
    hub.take(FedNews(demo_fed(NOW_NS)))
    hub.now_ns += 5 * NS
    viewer.take(hub.out())
    viewer.show()
    assert viewer.supervisor.latest.macro == hub.supervisor.latest.macro is not None
    assert viewer.supervisor.latest.fed == hub.supervisor.latest.fed is not None
