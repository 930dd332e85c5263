"""Slurm, nodes with four GPUs, one worker and eight CPU cores to each GPU."""

from parsl import Config
from parsl.addresses import address_by_interface
from parsl.executors import HighThroughputExecutor
from parsl.providers import SlurmProvider

INTERFACE = "ib0"  # by which compute nodes reach the machine that runs `ildb`
HOURS = 12
LONGEST_TASK_S = 2 * 3600

config = Config(
    executors=[
        HighThroughputExecutor(
            label="gpu",
            address=address_by_interface(INTERFACE),
            available_accelerators=4,  # pins each worker to a GPU of its own
            cores_per_worker=8,
            cpu_affinity="block",
            # No task is begun that could not end before Slurm ends the job.
            drain_period=HOURS * 3600 - LONGEST_TASK_S - 600,
            heartbeat_period=15,
            heartbeat_threshold=60,
            provider=SlurmProvider(
                partition="gpu",
                account="PROJECT",
                nodes_per_block=1,
                init_blocks=1,
                max_blocks=8,
                walltime=f"{HOURS}:00:00",
                scheduler_options="#SBATCH --gpus-per-node=4",
                worker_init="source ~/ildb/.venv/bin/activate; export ILDB_HOME=/shared/ildb OMP_NUM_THREADS=8",
            ),
        )
    ],
    max_idletime=300,
)
