"""Run a command beside busy loops, as on a machine with other work: ``python -m bench.busy COMMAND``.

Ends with the command's exit code; the loops end with it.
"""

from __future__ import annotations

import subprocess
import sys

LOOPS = 2
SPIN = "while True: pass"


def main(command: list[str]) -> int:
    """The command's exit code."""
    loops = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(LOOPS)]
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
