"""The matching processes of one client: each holds a part of the ions, all get the same requests.

Several processes, as RDKit's threads hinder each other: two of them are hardly faster than one.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from ildb.search.ion_library import Ids
from ildb.search.matching_process import receive, send

# On a busy machine a request takes longer, because the processes are owed so much CPU time; but no more than PATIENCE
# times as long.
PATIENCE = 10
_POLL_S = 0.05
_MOST = 4

Reply = tuple[dict[str, Any], Ids]


class _Member(NamedTuple):
    """A process with its ends of the two pipes."""

    process: subprocess.Popen[bytes]
    requests: BinaryIO
    replies: BinaryIO


class MatchingTeam:
    """Processes that can be killed; see ``ildb.search.matching_process``.

    Args:
        resident: whether they keep the ions as molecules.
        memory_bytes: limit of the address space of each.
        size: how many; by default one a processor, four at most.
    """

    def __init__(self, *, resident: bool, memory_bytes: int, size: int | None = None) -> None:
        self.size = size or min(_MOST, len(os.sched_getaffinity(0)))
        self._arguments = ["resident" if resident else "packed", str(memory_bytes)]
        self._members: list[_Member] = []

    @property
    def pids(self) -> list[int]:
        """Of the processes that were started."""
        return [member.process.pid for member in self._members]

    def is_alive(self) -> bool:
        """Whether all of them run."""
        return bool(self._members) and all(member.process.poll() is None for member in self._members)

    def start(self) -> None:
        """Start them anew, without ions."""
        self.close()
        for _ in range(self.size):
            process = subprocess.Popen(
                [sys.executable, "-m", "ildb.search.matching_process", *self._arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                # A session of its own: Ctrl-C at the terminal is the caller's to handle.
                start_new_session=True,
            )  # fmt: skip
            # Both ends are there, as both were asked for.
            self._members.append(_Member(process, cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)))

    def close(self) -> None:
        """End them."""
        for member in self._members:
            member.process.kill()
        for member in self._members:
            member.process.communicate()
        self._members = []

    def load(self, files: Sequence[Path], limit_s: float) -> list[Reply]:
        """Have each hold its share of the files; the replies.

        Raises:
            TimeoutError: as for `ask`.
            EOFError: as for `ask`.
            OSError: as for `ask`.
        """
        shares = [[str(file) for file in files[i :: self.size]] for i in range(self.size)]
        return self._exchange([{"load": share} for share in shares], None, limit_s)

    def ask(self, request: dict[str, Any], ids: Ids | None, limit_s: float) -> list[Reply]:
        """Send a request to all; their replies.

        Args:
            request: what they are asked.
            ids: sent with it.
            limit_s: CPU time that each may take.

        Raises:
            TimeoutError: one took longer; all are killed.
            EOFError: one ended; all are killed.
            OSError: likewise.
        """
        return self._exchange([request] * self.size, ids, limit_s)

    def _exchange(self, requests: Sequence[dict[str, Any]], ids: Ids | None, limit_s: float) -> list[Reply]:
        if not self._members:
            raise RuntimeError("the matching processes were not started")
        try:
            began, used = time.monotonic(), [_cpu_s(pid) for pid in self.pids]
            for member, request in zip(self._members, requests, strict=True):
                send(member.requests, request, ids)
            replies = []
            for member, before in zip(self._members, used, strict=True):
                # An answer is written at once, so waiting for its first byte is enough.
                while not select.select([member.replies.fileno()], [], [], _POLL_S)[0]:
                    waited = time.monotonic() - began
                    worked = min(waited, _cpu_s(member.process.pid) - before)
                    if worked >= limit_s or waited >= PATIENCE * limit_s:
                        raise TimeoutError(f"no answer after {waited:.1f} s")
                replies.append(receive(member.replies))
            return replies
        except (TimeoutError, EOFError, OSError):
            self.close()
            raise


def _cpu_s(pid: int) -> float:
    """CPU time of a process, seconds; where the system does not tell, the wall clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
