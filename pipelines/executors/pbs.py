"""PBS Pro, CPU nodes, four workers of eight cores to a node."""

from parsl import Config
from parsl.addresses import address_by_interface
from parsl.executors import HighThroughputExecutor
from parsl.launchers import MpiExecLauncher
from parsl.providers import PBSProProvider

INTERFACE = "ib0"  # by which compute nodes reach the machine that runs `ildb`
HOURS = 24
LONGEST_TASK_S = 4 * 3600

config = Config(
    executors=[
        HighThroughputExecutor(
            label="cpu",
            address=address_by_interface(INTERFACE),
            max_workers_per_node=4,
            cores_per_worker=8,
            cpu_affinity="block",
            # No task is begun that could not end before PBS ends the job.
            drain_period=HOURS * 3600 - LONGEST_TASK_S - 600,
            heartbeat_period=15,
            heartbeat_threshold=60,
            provider=PBSProProvider(
                queue="workq",
                account="PROJECT",
                nodes_per_block=2,
                cpus_per_node=32,
                init_blocks=1,
                max_blocks=4,
                walltime=f"{HOURS}:00:00",
                launcher=MpiExecLauncher(bind_cmd="--cpu-bind", overrides="--depth=32 --ppn 1"),
                worker_init="source ~/ildb/.venv/bin/activate; export ILDB_HOME=/shared/ildb OMP_NUM_THREADS=8",
            ),
        )
    ],
    max_idletime=300,
)
