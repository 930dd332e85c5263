"""Which OpenMM platform computes: the fastest that works here."""

from __future__ import annotations

import os

import openmm

from ildb.md.failures import SimulationError

_GPU = ("CUDA", "HIP", "OpenCL")
_OUT_OF_MEMORY = ("out of memory", "out_of_memory", "cl_mem_object_allocation_failure", "cl_out_of_resources")


def make_context(
    system: openmm.System, integrator: openmm.Integrator, *, threads: int, wanted: str | None = None
) -> openmm.Context:
    """A Context on the best platform.

    Args:
        system: what to simulate.
        integrator: bound to the Context from then on.
        threads: of the CPU platform.
        wanted: a platform's name; None for CUDA, HIP, OpenCL, CPU, Reference, whichever comes up first.

    Raises:
        SimulationError: the GPU's memory is too small, the wanted platform is not there, or none works.
    """
    there = {openmm.Platform.getPlatform(i).getName() for i in range(openmm.Platform.getNumPlatforms())}
    names = [wanted] if wanted else [*_GPU, "CPU", "Reference"]
    refused: list[str] = []
    for name in names:
        if name not in there:
            refused.append(f"{name}: not installed")
            continue
        properties = {"Threads": str(threads)} if name == "CPU" else {"Precision": "mixed"} if name in _GPU else {}
        try:
            return openmm.Context(system, integrator, openmm.Platform.getPlatformByName(name), properties)
        except openmm.OpenMMException as error:
            raise_if_out_of_memory(error, name)
            refused.append(f"{name}: {error}")
    raise SimulationError(
        f"OpenMM cannot compute here: {'; '.join(refused)}.",
        "See which platforms work: python -m openmm.testInstallation",
    )


def raise_if_out_of_memory(error: openmm.OpenMMException, platform: str) -> None:
    """Turn the many wordings of a GPU without memory into one error; anything else passes.

    Raises:
        SimulationError: the GPU's memory is used up.
    """
    if platform in _GPU and any(word in str(error).lower() for word in _OUT_OF_MEMORY):
        where = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        raise SimulationError(
            f"The GPU (device {where}, {platform}) has no memory left: {error}.",
            "Run fewer ladders on it (--workers), or fewer pairs, then resume the run: every point goes on from its "
            "last checkpoint.",
        ) from error
