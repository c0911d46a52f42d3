"""The way into a submission's confinement: a program of its own, which needs nothing installed.

It is called with one argument, a JSON file, and ends as the command that stands there. In
namespaces of Linux it builds a root that holds copies of a few files, and shows the folders of
Python to read; nothing else is there, so nothing else can be read or changed. Where root calls it,
the command runs as a user that owns nothing. When all is set, and before anything of the submission
runs, it writes a line that says so.
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

NEW = {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000,
       "ipc": 0x08000000, "uts": 0x04000000}  # fmt: skip
NOSUID, NODEV, NOEXEC, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
DETACH = 2
MOUNT_SETATTR, READ_ONLY, AT_FDCWD, AT_RECURSIVE = 442, 1, -100, 0x8000
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38
DEVICES = ("null", "zero", "random", "urandom")
libc = ctypes.CDLL(None, use_errno=True)


def main(settings: dict[str, Any]) -> None:
    """Become the command, confined."""
    if settings["namespaces"]:
        _leave()
        if child := os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) and 1)
        _build(settings)
    with suppress(OSError):  # first to go where memory is short
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    _drop(settings)
    _control(DIE_WITH_PARENT, signal.SIGKILL)
    if not os.access(settings["command"][0], os.X_OK):
        sys.exit(f"{settings['command'][0]} cannot be run by a user that owns nothing")
    sys.stdout.write(settings["ready"])
    sys.stdout.flush()
    if child := os.fork():  # the first process of its own tree: all others end with it
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) and 1)
    _limit(settings)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    command = settings["command"]
    os.execve(command[0], command, settings["environment"])  # noqa: S606


def _leave() -> None:
    """Leave the machine's namespaces: no network, no other process."""
    user, group = os.geteuid(), os.getegid()
    if user:
        _call(libc.unshare, NEW["user"])
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path(f"/proc/self/{name}").write_text(text, "ascii")
    _call(libc.unshare, sum(flag for name, flag in NEW.items() if name != "user"))


def _build(settings: dict[str, Any]) -> None:
    """Make the root that the submission sees, and go there."""
    _mount(None, "/", None, PRIVATE | RECURSIVE)
    root, work = Path(settings["root"]), settings["work"]
    _mount("tmpfs", root, "tmpfs", NOSUID | NODEV, b"size=4m,mode=755")
    for place in settings["links"]:
        _inside(root, place).parent.mkdir(parents=True, exist_ok=True)
        _inside(root, place).symlink_to(os.readlink(place))
    for source, place in settings["shown"]:
        _show(Path(source), _inside(root, place))
    for name in DEVICES:
        _show(Path("/dev", name), root / "dev" / name, devices=True)
    (root / "proc").mkdir()
    _mount("proc", root / "proc", "proc", NOSUID | NODEV | NOEXEC)
    inside = _inside(root, work)
    inside.mkdir()
    most = f"size={settings['disk']},nr_inodes=4096"
    _mount("tmpfs", inside, "tmpfs", NOSUID | NODEV, most.encode())
    for name in settings["files"]:
        shutil.copy(Path(settings["folder"], name), inside / name)
    for path in (inside, *inside.iterdir()):
        if os.geteuid() == 0:
            os.chown(path, settings["nobody"], settings["nobody"])
    if not (root / "tmp").exists():  # Python itself may lie there
        (root / "tmp").symlink_to(work)
    os.chdir(root)
    _call(libc.pivot_root, b".", b".")
    _call(libc.umount2, b".", DETACH)
    _read_only(Path("/"), recursive=False)
    os.chdir(work)


def _show(source: Path, place: Path, *, devices: bool = False) -> None:
    """Let a file or a folder be seen, and not changed."""
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _mount(source, place, None, BIND | RECURSIVE)
    if not devices:
        _read_only(place, recursive=True)


def _drop(settings: dict[str, Any]) -> None:
    """Give up every right over the machine."""
    if os.geteuid() == 0:
        nobody = settings["nobody"]
        if not settings["namespaces"]:
            for path in (Path(settings["folder"]), *Path(settings["folder"]).iterdir()):
                os.chown(path, nobody, nobody)
        os.setgroups([])
        os.setresgid(nobody, nobody, nobody)
        os.setresuid(nobody, nobody, nobody)
    _control(NO_NEW_PRIVILEGES, 1)


def _limit(settings: dict[str, Any]) -> None:
    for kind, most in settings["limits"].items():
        resource.setrlimit(getattr(resource, kind), (most, most))


def _inside(root: Path, place: str) -> Path:
    return root / place.lstrip("/")


def _mount(
    source: str | Path | None, place: str | Path, kind: str | None, flags: int, data: bytes = b""
) -> None:
    names = [os.fsencode(name) if name is not None else None for name in (source, place, kind)]
    _call(libc.mount, *names, ctypes.c_ulong(flags), data or None, what=f"mount {place}")


def _read_only(place: Path, *, recursive: bool) -> None:
    """Keep a mount, and those below it, from being changed, whatever other flags they have."""
    wanted = READ_ONLY | NOSUID | (NODEV if recursive else 0)
    attributes = (ctypes.c_uint64 * 4)(wanted, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    _call(libc.syscall, ctypes.c_long(MOUNT_SETATTR), AT_FDCWD, os.fsencode(place), flags,
          ctypes.byref(attributes), ctypes.c_size_t(32), what=f"read only {place}")  # fmt: skip


def _control(what: int, value: int) -> None:
    _call(libc.prctl, what, *map(ctypes.c_ulong, (value, 0, 0, 0)))


def _call(function: Any, *arguments: Any, what: str = "") -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what or function.__name__}: {os.strerror(number)}")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf8")))
