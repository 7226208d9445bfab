"""``python -m bench.workers.attacks``: the attacks of bench/ssh/abuse.py on two workers; ``--quick``: one."""

from __future__ import annotations

import json
import sys

from bench.common import blank_home, load_before
from bench.ssh.measure import under_attack
from bench.workers.measure import host_of

WORKERS = 2


def main() -> None:
    load = load_before()
    with blank_home() as env:
        made = under_attack(host_of(WORKERS), env, quick="--quick" in sys.argv)
    print(
        json.dumps(
            {"bench": "workers.attacks", "workers": WORKERS, "load_before": load, "under_attack": made}
        )
    )


if __name__ == "__main__":
    main()
