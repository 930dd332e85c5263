"""Strings as arrays, and the batches of each epoch: a pure function of the seed and the epoch's number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ildb.errors import InputError
from ildb.generate.network import Batch
from ildb.generate.tokens import TokenIds, Vocabulary
from ildb.hashing import sha256_json

EPOCH = 16_384
"""Strings in an epoch."""


class EmptyCorpusError(InputError):
    """There is nothing to train on."""


@dataclass(frozen=True, eq=False)
class Ragged:
    """Token sequences one after the other; sequence i is ``ids[offsets[i]:offsets[i + 1]]``."""

    ids: npt.NDArray[np.uint16]
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[TokenIds]) -> Ragged:
        """Put sequences together."""
        offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(one) for one in sequences], out=offsets[1:])
        ids = np.concatenate(sequences) if len(sequences) else np.zeros(0, dtype=np.int64)
        return cls(ids.astype(np.uint16), offsets)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each sequence."""
        return np.diff(self.offsets)

    def padded(self, rows: npt.NDArray[np.int64], end: int | None = None) -> torch.Tensor:
        """Some sequences, time first, padded with zeros, int64; each followed by `end` if that is given."""
        lengths = self.lengths[rows]
        table = np.zeros((int(lengths.max()) + (end is not None), len(rows)), dtype=np.int64)
        for column, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            start = self.offsets[row]
            table[:length, column] = self.ids[start : start + length]
            if end is not None:
                table[length, column] = end
        return torch.from_numpy(table)


@dataclass(frozen=True, eq=False)
class Corpus:
    """What a model learns from.

    Attributes:
        vocabulary: of all strings.
        targets: canonical spelling of each structure.
        inputs: random spellings; those of structure i are rows ``spelling_offsets[i]`` up to the next.
        spelling_offsets: shape (n + 1,).
        conditions: row of each structure's charge.
        weights: how often each is drawn, adding up to one.
    """

    vocabulary: Vocabulary
    targets: Ragged
    inputs: Ragged
    spelling_offsets: npt.NDArray[np.int64]
    conditions: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]

    @classmethod
    def of(
        cls,
        vocabulary: Vocabulary,
        smiles: Sequence[str],
        spellings: Sequence[Sequence[str]],
        charges: Sequence[int],
        weights: Sequence[float] | npt.NDArray[np.float64],
    ) -> Corpus:
        """Encode structures.

        Args:
            vocabulary: must know every token.
            smiles: canonical spelling of each structure.
            spellings: other spellings of each; may be empty.
            charges: net charge of each.
            weights: how often to draw each, in any unit.

        Raises:
            EmptyCorpusError: there is none, or all weights are zero.
            UnknownTokenError: a token that the vocabulary lacks.
        """
        share = np.asarray(weights, dtype=np.float64)
        if not len(smiles) or not share.sum() > 0:
            raise EmptyCorpusError("There is nothing to train on: the training set is empty.")
        offsets = np.zeros(len(smiles) + 1, dtype=np.int64)
        np.cumsum([len(own) for own in spellings], out=offsets[1:])
        return cls(
            vocabulary,
            Ragged.of([vocabulary.encode(one) for one in smiles]),
            Ragged.of([vocabulary.encode(one) for own in spellings for one in own]),
            offsets,
            vocabulary.condition_ids(charges),
            share / share.sum(),
        )

    def __len__(self) -> int:
        return len(self.conditions)

    def sha256(self) -> str:
        """Hash of everything that decides the batches."""
        arrays: tuple[npt.NDArray[np.generic], ...] = (
            self.targets.ids, self.targets.offsets, self.inputs.ids, self.inputs.offsets,
            self.spelling_offsets, self.conditions, self.weights,
        )  # fmt: skip
        parts = [hash_of(array) for array in arrays]
        return sha256_json([self.vocabulary.level, self.vocabulary.tokens, self.vocabulary.charges, parts])

    def batches(self, seed: int, number: int, batch: int, random_input: float, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, strings of about the same length together, in random order.

        Args:
            seed: of the training.
            number: of the epoch.
            batch: strings in a batch.
            random_input: share of inputs that are random spellings.
            first: leave out those before this one.
        """
        rng = np.random.default_rng([seed, number])
        drawn = rng.choice(len(self), size=EPOCH, p=self.weights)
        n_spellings = np.diff(self.spelling_offsets)[drawn]
        spelt = (rng.random(EPOCH) < random_input) & (n_spellings > 0)
        chosen = self.spelling_offsets[drawn] + (rng.random(EPOCH) * n_spellings).astype(np.int64)
        lengths = self.targets.lengths[drawn] + rng.random(EPOCH)
        order = np.argsort(lengths, kind="stable")
        parts = [order[i : i + batch] for i in range(0, EPOCH, batch)]
        for i in rng.permutation(len(parts))[first:]:
            rows = parts[i]
            yield self._batch(drawn[rows], spelt[rows], chosen[rows])

    def _batch(self, rows: npt.NDArray[np.int64], spelt: npt.NDArray[np.bool_], chosen: npt.NDArray[np.int64]) -> Batch:
        own, other = self.targets, self.inputs
        sequences = [
            other.ids[other.offsets[c] : other.offsets[c + 1]] if s else own.ids[own.offsets[r] : own.offsets[r + 1]]
            for r, s, c in zip(rows, spelt, chosen, strict=True)
        ]
        inputs = Ragged.of([sequence.astype(np.int64) for sequence in sequences])
        return Batch(
            inputs.padded(np.arange(len(rows))),
            torch.from_numpy(inputs.lengths.copy()),
            own.padded(rows, end=self.vocabulary.eos_id),
            torch.from_numpy(self.conditions[rows]),
        )


def hash_of(array: npt.NDArray[np.generic]) -> str:
    """SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
