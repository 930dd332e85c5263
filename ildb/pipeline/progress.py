"""Progress of a run: a bar with ETA on a terminal, plain lines elsewhere, nothing when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Report = Callable[[int, int], None]
"""Called with (tasks done, tasks in all)."""


class Progress(Protocol):
    """What the runner tells the person who waits."""

    def stage(self, name: str, uses: str) -> None:
        """A stage begins."""

    def reused(self, name: str) -> None:
        """A stage needed no work."""

    def tasks(self, name: str) -> AbstractContextManager[Report]:
        """Follow the tasks of a stage."""


class Silent:
    """Says nothing."""

    def stage(self, name: str, uses: str) -> None:
        """Nothing."""

    def reused(self, name: str) -> None:
        """Nothing."""

    @contextmanager
    def tasks(self, name: str) -> Iterator[Report]:
        """Nothing."""
        del name
        yield lambda _done, _total: None


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write

    def stage(self, name: str, uses: str) -> None:
        """One line per stage."""
        self.write(f"{name} ({uses})")

    def reused(self, name: str) -> None:
        """One line."""
        self.write(f"{name}: nothing to compute, an earlier result answers")

    @contextmanager
    def tasks(self, name: str) -> Iterator[Report]:
        """A line whenever another tenth of the tasks is done."""
        shown = -1

        def report(done: int, total: int) -> None:
            nonlocal shown
            tenth = 10 * done // max(total, 1)
            if tenth != shown:
                shown = tenth
                self.write(f"{name}: {done}/{total} tasks")

        yield report


class Bars:
    """Bars with time left, on a terminal."""

    def stage(self, name: str, uses: str) -> None:
        """Nothing: the bar says it."""

    def reused(self, name: str) -> None:
        """A finished line."""
        from rich.console import Console

        Console(stderr=True, highlight=False).print(f"{name:<16} reused")

    @contextmanager
    def tasks(self, name: str) -> Iterator[Report]:
        """A bar for the stage's tasks."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (SpinnerColumn(), TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn())
        with RichProgress(*columns, TimeElapsedColumn(), Remaining(), console=Console(stderr=True)) as bars:
            bar = bars.add_task(name, total=None)
            yield lambda done, total: bars.update(bar, completed=done, total=total)
