"""Parsl on this machine alone: to try a configuration out before it goes to a cluster."""

from parsl import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

config = Config(
    executors=[
        HighThroughputExecutor(
            label="local",
            address="127.0.0.1",
            max_workers_per_node=2,
            cores_per_worker=1,
            heartbeat_period=5,
            heartbeat_threshold=20,
            provider=LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
        )
    ],
)
