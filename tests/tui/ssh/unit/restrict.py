"""Runs a program as the unit of docs/hosting.md would: ``restrict.py STATE PROGRAM …``.

Everything but STATE is read-only, no capability is left, memory is either writable or executable, system
calls and address families are filtered. Needs root (for the mounts) and libseccomp; exits with code 77, and
says why, where these are missing.
"""

from __future__ import annotations

import ctypes
import errno
import os
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
GROUPS = Path(__file__).with_name("syscall_groups.txt")


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


def mount_read_only(writable: str) -> None:
    """Make the root file system read-only but for one folder, for this process and its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare is not permitted")
    for words in (["--make-rprivate", "/"], ["--bind", writable, writable], ["-o", "remount,bind,ro", "/"]):
        subprocess.run(["mount", *words], check=True)


def main() -> None:
    """Restrict this process, then become the program."""
    state, *program = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        mount_read_only(state)
        for capability in range(CAPABILITIES):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        filter_calls(allowed())
        if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0):
            os.write(2, b"no PR_SET_MDWE\n")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"restrict: {error}", file=sys.stderr)
        sys.exit(MISSING)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
