"""Hosts without a batch system, reached by ssh with a key and without a password; one executor to a host."""

import os

from parsl import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import WrappedLauncher
from parsl.providers import LocalProvider

HOSTS = os.environ.get("ILDB_HOSTS", "node1 node2").split()
ADDRESS = os.environ.get("ILDB_ADDRESS", "127.0.0.1")  # of this machine, as the hosts reach it
# What begins a program on a host; {host} stands for its name.
REACH = os.environ.get(
    "ILDB_REACH", "ssh -o BatchMode=yes {host} env PATH=$PATH ILDB_HOME=$ILDB_HOME OMP_NUM_THREADS=1"
)
WORKERS_PER_HOST = int(os.environ.get("ILDB_WORKERS_PER_HOST", "4"))

config = Config(
    executors=[
        HighThroughputExecutor(
            label=host,
            address=ADDRESS,
            max_workers_per_node=WORKERS_PER_HOST,
            cores_per_worker=1,
            heartbeat_period=5,
            heartbeat_threshold=20,
            # A host that went away is tried again rather than given up.
            block_error_handler=False,
            provider=LocalProvider(
                init_blocks=1, min_blocks=1, max_blocks=1, launcher=WrappedLauncher(REACH.format(host=host))
            ),
        )
        for host in HOSTS
    ],
)
