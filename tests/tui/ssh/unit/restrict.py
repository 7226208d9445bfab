"""Runs a program as the unit of docs/hosting.md would: ``restrict.py TASKS STATE KEYS PROGRAM …``.

The program runs as a user without an account or a home (DynamicUser). All files are read-only but the
folder STATE, which is ``/mnt/state`` there (StateDirectory), and an empty ``/tmp`` and ``/var/tmp``
(PrivateTmp); nobody's home is there (ProtectHome). The folder KEYS is ``/mnt/keys``. There are at most
TASKS processes and threads (TasksMax, as RLIMIT_NPROC) and no capabilities; memory is either writable or
executable; system calls and address families are filtered. Needs root (for the mounts) and libseccomp;
exits with code 77, and says why, without them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
CAPABILITIES = 41
CLONE_NEWNS = 0x0002_0000
ALLOW, ERRNO, EQUAL = 0x7FFF_0000, 0x0005_0000, 4
FAMILIES = ("AF_INET", "AF_INET6", "AF_UNIX")
MISSING = 77
USER = 61_834
"""One of the numbers from which systemd takes dynamic users; no account has it."""
HIDDEN = {"/home": "755", "/root": "755", "/tmp": "1777", "/var/tmp": "1777"}
"""Folders that are empty for the program → their modes; what it needs to run is mounted into them."""
SHELF = Path("/mnt")
GROUPS = Path(__file__).with_name("syscall_groups.txt")
MOUNT = shutil.which("mount", path=os.defpath) or "mount"
"""Found whatever PATH the program is to have."""


class _Compare(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def groups() -> dict[str, set[str]]:
    """Group → its system calls."""
    expanded: dict[str, set[str]] = {}
    for line in GROUPS.read_text("utf-8").splitlines():
        if line.startswith("@"):
            calls = expanded[line] = set()
        elif not line.startswith("#"):
            calls.update(line.split())
    return expanded


def allowed() -> set[str]:
    """``SystemCallFilter=@system-service`` and ``SystemCallFilter=~@privileged``."""
    return groups()["@system-service"] - groups()["@privileged"]


def filter_calls(names: set[str]) -> None:
    """Refuse every other system call with EPERM, and sockets of other families."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ERRNO | errno.EPERM))
    for name in names - {"socket"}:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and seccomp.seccomp_rule_add(context, ALLOW, number, 0):
            raise OSError(name)
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    seccomp.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Compare)
    ]  # fmt: skip
    for family in FAMILIES:
        rule = _Compare(0, EQUAL, int(getattr(socket, family)), 0)
        if seccomp.seccomp_rule_add_array(context, ALLOW, number, 1, ctypes.byref(rule)):
            raise OSError(family)
    if seccomp.seccomp_load(context):
        raise OSError("seccomp is not permitted")


def mount(*words: object) -> None:
    """Run mount(8)."""
    subprocess.run([MOUNT, *map(str, words)], check=True)


def hide(state: str, keys: str) -> None:
    """Give this process and its children a file system of their own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare is not permitted")
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", SHELF)
    needed = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[4]]
    shelved = {path: SHELF / str(number) for number, path in enumerate(needed)}
    for source, place in {**shelved, Path(state): SHELF / "state", Path(keys): SHELF / "keys"}.items():
        place.mkdir()
        mount("--bind", source, place)
    for folder, mode in HIDDEN.items():
        if Path(folder).is_dir():
            mount("-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", folder)
    for path, place in shelved.items():
        if not path.exists():
            path.mkdir(parents=True)
            mount("--bind", place, path)
    mount("-o", "remount,bind,ro", "/")
    mount("-o", "remount,bind,ro", SHELF / "keys")


def become_nobody(tasks: int) -> None:
    """Change to the user without an account, who may have so many processes and threads."""
    os.chown(SHELF / "state", USER, USER)
    resource.setrlimit(resource.RLIMIT_NPROC, (tasks, tasks))
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def main() -> None:
    """Restrict this process, then become the program."""
    tasks, state, keys, *program = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    umask = os.umask(0o022)
    try:
        hide(state, keys)
        become_nobody(int(tasks))
        if not os.access(program[0], os.X_OK):
            raise PermissionError(f"{program[0]} is in a folder that other users may not enter")
        filter_calls(allowed())
        if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0):
            os.write(2, b"no PR_SET_MDWE\n")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"restrict: {error}", file=sys.stderr)
        sys.exit(MISSING)
    os.umask(umask)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
