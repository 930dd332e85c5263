"""The server's three configuration files, as text."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from ildb.db.server.layout import PORT, SUPERUSER, Layout

_MIB = 1 << 20
# Roles a migration makes; a login may take any of them.
ROLES = (SUPERUSER, "ildb_owner", "ildb_curator", "ildb_runner", "ildb_reader")
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SHM = Path("/dev/shm")  # noqa: S108 - only its size is asked


def memory_bytes() -> int:
    """Memory this process may use: the machine's, or less where a container says so."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):  # no such cgroup version, or the word "max"
            continue
    return min(limits)


def postgresql_conf(layout: Layout, memory: int) -> str:
    """Text of ``postgresql.conf``.

    Args:
        layout: where things are.
        memory: memory to share with everything else on the machine, bytes.
    """
    eighth = memory // 8 // _MIB
    values: dict[str, str | int] = {
        # Only a Unix socket: nothing listens on the network.
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": f'"{str(layout.socket_dir).replace(chr(34), chr(34) * 2)}"',
        "unix_socket_permissions": "0700",
        "hba_file": str(layout.conf / "pg_hba.conf"),
        "ident_file": str(layout.conf / "pg_ident.conf"),
        "max_connections": 50,
        "shared_buffers": f"{max(32, min(1024, eighth))}MB",
        "effective_cache_size": f"{max(128, eighth * 4)}MB",
        "maintenance_work_mem": f"{max(32, min(512, eighth // 2))}MB",
        "work_mem": f"{max(4, min(32, eighth // 16))}MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        # synchronous_commit stays on: with it off, up to 0.6 s of commits are only in the server's memory, and a
        # kill -9 of any one backend makes the postmaster throw that memory away. Work that can be repeated may turn
        # it off for its own session.
        "synchronous_commit": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "jit": "off",
        # A name compiled into PostgreSQL: Debian's builds read other zones from the package tzdata, if installed.
        "timezone": "GMT",
        "log_timezone": "GMT",
        "lc_messages": "C",
        "logging_collector": "on",
        "log_directory": str(layout.logs),
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_line_prefix": "%m [%p] %u@%d %a ",
        "log_checkpoints": "off",
        "cluster_name": "ildb",
    }
    if sys.platform == "linux" and not _shared_memory_is_roomy():
        values["dynamic_shared_memory_type"] = "mmap"
    lines = [f"{key} = {_quoted(str(value))}" for key, value in values.items()]
    head = "# Written by 'ildb db up' at each start. Own settings belong into local.conf beside this file."
    return "\n".join([head, *lines, "include_if_exists = 'local.conf'", ""])


def _shared_memory_is_roomy() -> bool:
    """Containers often have 64 MB here, too little for one parallel hash join; a bare chroot has no such place."""
    try:
        writable = _SHM.stat().st_mode & stat.S_IWOTH
        return bool(writable) and shutil.disk_usage(_SHM).total >= 256 * _MIB
    except OSError:
        return False


def pg_hba_conf() -> str:
    """Text of ``pg_hba.conf``: local sockets only, and the kernel says who is asking."""
    return "# TYPE DATABASE USER METHOD\nlocal all all peer map=ildb\n"


def pg_ident_conf(logins: Sequence[str]) -> str:
    """Text of ``pg_ident.conf``: each OS user may log in as each role of ildb."""
    lines = [f'ildb "{login}" "{role}"' for login in logins for role in ROLES]
    return "\n".join(["# MAP OS-USER ROLE", *lines, ""])


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
