"""Kubernetes: a pod to a worker, from an image with ildb, all with one volume at one path (pip install kubernetes)."""

from parsl import Config
from parsl.addresses import address_by_route
from parsl.executors import HighThroughputExecutor
from parsl.providers import KubernetesProvider

config = Config(
    executors=[
        HighThroughputExecutor(
            label="pods",
            address=address_by_route(),  # of the pod that runs `ildb`
            max_workers_per_node=1,
            cores_per_worker=2,
            heartbeat_period=15,
            heartbeat_threshold=60,
            provider=KubernetesProvider(
                image="REGISTRY/ildb:VERSION",
                namespace="default",
                init_blocks=2,
                max_blocks=20,
                init_cpu=2,
                max_cpu=2,
                init_mem="4Gi",
                max_mem="8Gi",
                persistent_volumes=[("ildb-home", "/shared/ildb")],
                worker_init="export ILDB_HOME=/shared/ildb OMP_NUM_THREADS=2",
            ),
        )
    ],
    max_idletime=300,
)
