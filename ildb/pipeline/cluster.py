"""Workers on other machines, by Parsl: batch systems, Kubernetes, hosts reached by ssh.

Workers never see the database: they need ildb, this machine's address and the same ILDB_HOME on a shared file system.
"""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ildb.errors import InputError, StageFailedError
from ildb.pipeline.executors import Blame, Pool, Workers
from ildb.resources import resource_dir

if TYPE_CHECKING:
    from parsl import Config
    from parsl.concurrent import ParslPoolExecutor
    from parsl.executors.base import ParslExecutor

P = ParamSpec("P")
T = TypeVar("T")

_DEFAULT_RUN_DIR = "runinfo"
_DEFAULT_INTERCHANGE = ["interchange.py"]


class ParslWorkers(Workers):
    """The executors of one Parsl configuration; started for the first stage that has work, kept until the run ends."""

    def __init__(self, config_file: str, log_dir: Path) -> None:
        """Read the configuration.

        Args:
            config_file: a Python file that sets ``config``, or the name of an example that ships with ildb.
            log_dir: where Parsl's own logs go unless the configuration names a place.

        Raises:
            InputError: Parsl is not installed, or the file cannot be used.
        """
        self.path, self.log_dir = _find(config_file), log_dir
        self._config: Config | None = load_config(self.path)
        self._pool: ParslPool | None = None

    def pool(self, n_tasks: int) -> ParslPool:
        """The one pool; blocks of workers come and go by the configuration."""
        del n_tasks
        if self._pool is None:
            # An executor of Parsl's starts once, so a second start needs a fresh configuration.
            config, self._config = self._config or load_config(self.path), None
            if config.run_dir == _DEFAULT_RUN_DIR:
                config.run_dir = str(self.log_dir / "parsl")
            self._pool = ParslPool(config)
        return self._pool

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class ParslPool(Pool):
    """A started Parsl; each task that is lost is told of by itself."""

    breaks_whole = False

    def __init__(self, config: Config) -> None:
        from parsl.concurrent import ParslPoolExecutor
        from parsl.errors import ParslError

        # Parsl looks for its own programs there, also where the virtual environment is not activated.
        programs = str(Path(sys.executable).parent)
        if programs not in os.environ.get("PATH", "").split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
        for executor in config.executors:
            _die_with_runner(executor)
        self.workers = max(1, sum(map(_workers_of, config.executors)))
        self.threads = max(1, min(int(getattr(executor, "cores_per_worker", 1)) for executor in config.executors))
        try:
            self._pool: ParslPoolExecutor = ParslPoolExecutor(config)
        except (ParslError, OSError) as error:
            raise StageFailedError(f"Parsl cannot start: {error}.") from error

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See ``Pool``."""
        submitted: Future[T] = self._pool.submit(function, *args, **kwargs)  # type: ignore[no-untyped-call]
        return submitted

    def blame(self, error: BaseException) -> Blame | None:
        """A lost worker had one task; a lost manager had those of its host.

        Raises:
            StageFailedError: Parsl gave up on its workers.
        """
        from parsl.executors.errors import ExecutorError
        from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

        if isinstance(error, WorkerLost):
            return Blame.TASK
        if isinstance(error, ManagerLost):
            return Blame.HOST
        if isinstance(error, ExecutorError):
            raise StageFailedError(f"Parsl gave up: {error}.") from error
        return None

    def renew(self) -> None:
        """Nothing: Parsl replaces lost workers itself."""

    def stop(self) -> None:
        """Nothing: the workers are kept for the next stage."""

    def close(self) -> None:
        """End the workers, whatever they do."""
        import parsl

        self._pool.shutdown(wait=False)
        parsl.clear()


def load_config(path: Path) -> Config:
    """The ``config`` that a Python file sets.

    Raises:
        InputError: Parsl is not installed, or the file has no ``config``, or it cannot be run.
    """
    try:
        from parsl import Config
    except ImportError as error:
        raise InputError("Parsl is not installed.", "pip install 'ildb[cluster]'") from error
    try:
        config = runpy.run_path(str(path)).get("config")
    except Exception as error:  # a file of the user's may raise anything
        raise InputError(f"{path}: {type(error).__name__}: {error}.") from error
    if not isinstance(config, Config):
        raise InputError(f"{path}: it sets no 'config' of the type parsl.Config.", "See docs/runs.md.")
    return config


def _find(config_file: str) -> Path:
    path = Path(config_file)
    if path.is_file():
        return path
    folder = resource_dir("pipelines") / "executors"
    shipped = folder / f"{config_file}.py"
    if path.name == config_file and shipped.is_file():
        return shipped
    known = ", ".join(sorted(found.stem for found in folder.glob("*.py")))
    raise InputError(f"There is no Parsl configuration '{config_file}'.", f"Examples that ship with ildb: {known}.")


def _workers_of(executor: ParslExecutor) -> int:
    provider = getattr(executor, "provider", None)
    if provider is None:
        return int(getattr(executor, "max_threads", 1))
    return int(provider.max_blocks * provider.nodes_per_block * getattr(executor, "workers_per_node", 1))


def _die_with_runner(executor: ParslExecutor) -> None:
    # Its broker would outlive a runner killed with -9, and keep the workers waiting.
    setpriv = shutil.which("setpriv")
    if setpriv is not None and getattr(executor, "interchange_launch_cmd", None) == _DEFAULT_INTERCHANGE:
        setattr(executor, "interchange_launch_cmd", [setpriv, "--pdeathsig", "KILL", *_DEFAULT_INTERCHANGE])  # noqa: B010
