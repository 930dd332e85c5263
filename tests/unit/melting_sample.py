"""The sample of measured melting points that the melting tests train on."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from ildb.melting.data import MeltingData, MeltingMeasurement, reduce_measurements
from ildb.melting.params import MeltingParams
from ildb.melting.train import TrainedMelting, train_melting

SAMPLE = Path(__file__).parents[1] / "data" / "melting_points_sample.csv"

# Small enough for a test; the threshold is where the sample has both classes in numbers.
PARAMS = MeltingParams(n_trees=25, n_nets=2, n_epochs=10, n_kernel_rows=60, threshold_k=340.0, seed=3)


@cache
def measurements() -> tuple[MeltingMeasurement, ...]:
    with SAMPLE.open(newline="") as stream:
        return tuple(
            MeltingMeasurement(
                row["cation_inchikey"],
                row["anion_inchikey"],
                row["cation_smiles"],
                row["anion_smiles"],
                1,
                1,
                float(row["tm_k"]),
            )
            for row in csv.DictReader(stream)
        )


@cache
def data() -> MeltingData:
    return reduce_measurements(measurements())


@cache
def trained() -> TrainedMelting:
    return train_melting(data(), PARAMS)
