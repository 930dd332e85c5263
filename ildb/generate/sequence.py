"""A trained sequence VAE as its users see it: strings in, strings out.

This is what samplers, steering and metrics build against; how it is trained is `ildb.generate.training`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from rdkit import Chem, rdBase

from ildb.errors import ArtifactError, InputError
from ildb.generate.batches import Ragged
from ildb.generate.checkpoint import read_tensors, write_tensors
from ildb.generate.decoding import Mask, Writer, beam_search, sample
from ildb.generate.network import VaeNetwork, shifted
from ildb.generate.params import NetworkParams
from ildb.generate.tokens import (
    PAIR_CHARGE,
    TokenIds,
    UnknownConditionError,
    UnknownTokenError,
    Vocabulary,
    condition_name,
)
from ildb.generate.training import pick_device
from ildb.hashing import sha256_file

__all__ = [
    "PAIR_CHARGE",
    "Decoded",
    "Mask",
    "SequenceVAE",
    "UnknownConditionError",
    "UnknownTokenError",
    "Vocabulary",
    "condition_name",
]

MODEL_FORMAT = "ildb.generate.vae/1"
_BLOCK = 1024

Vectors = npt.NDArray[np.float32]
Charges = Sequence[int] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Decoded:
    """Strings of a decoder.

    Attributes:
        smiles: one for each row of z.
        finished: False where the string was cut at the longest allowed length, shape (n,).
        log_probability: of the drawn tokens under the untempered, masked decoder, in nats, shape (n,).
    """

    smiles: list[str]
    finished: npt.NDArray[np.bool_]
    log_probability: npt.NDArray[np.float64]


class SequenceVAE:
    """A trained VAE of SMILES.

    Attributes:
        vocabulary: its tokens and charges; ``vocabulary.charges == (0,)`` for a pair-level model.
        latent: width of z.
        max_length: tokens of the longest string it was trained on.
        about: JSON-like facts stored with it (training data, metrics, seed, versions).

    Args:
        network: trained.
        vocabulary: that it was trained with.
        about: facts to store with it.
        device: where to compute: ``cpu``, ``cuda`` or ``auto``.
    """

    def __init__(
        self, network: VaeNetwork, vocabulary: Vocabulary, about: dict[str, Any] | None = None, *, device: str = "cpu"
    ) -> None:
        self.network = network.eval().to(pick_device(device))
        self.vocabulary, self.about = vocabulary, dict(about or {})
        self.latent, self.max_length = network.params.latent, network.params.max_length
        self._writer = Writer(self.network, vocabulary)

    def encode(self, smiles: Sequence[str], charges: Charges) -> tuple[Vectors, Vectors]:
        """Mean and log variance of q(z | string), float32, shape (n, latent) each.

        Args:
            smiles: strings, canonical as in training for best results.
            charges: their net charges.

        Raises:
            UnknownTokenError: a string has a token that the vocabulary lacks.
            UnknownConditionError: a charge the model was not trained on.
            InputError: a string is empty.
        """
        conditions = self.vocabulary.condition_ids(charges)
        mu = np.zeros((len(smiles), self.latent), dtype=np.float32)
        logvar = np.zeros_like(mu)
        ids = Ragged.of([self.vocabulary.encode(text) for text in smiles])
        if (ids.lengths == 0).any():
            raise InputError("An empty string cannot be encoded.")
        for rows in _blocks(ids.lengths):
            with torch.inference_mode():
                found = self.network.encode(
                    ids.padded(rows).to(self._writer.device),
                    torch.from_numpy(ids.lengths[rows]).to(self._writer.device),
                    self._rows(conditions[rows]),
                )
            mu[rows], logvar[rows] = found[0].cpu().numpy(), found[1].cpu().numpy()
        return mu, logvar

    def prior(self, n: int, charges: Charges, *, seed: int, scale: float = 1.0) -> Vectors:
        """Draws of z from the prior, float32, shape (n, latent).

        Args:
            n: how many.
            charges: net charge of each; the prior is the same for all.
            seed: of the draws.
            scale: standard deviation; below 1 stays nearer to what the decoder has seen.
        """
        self.vocabulary.condition_ids(charges)
        return np.random.default_rng(seed).standard_normal((n, self.latent), dtype=np.float32) * np.float32(scale)

    def decode(
        self,
        z: Vectors,
        charges: Charges,
        *,
        mask: Mask[Any] | None = None,
        temperature: float = 1.0,
        seed: int = 0,
        max_length: int | None = None,
    ) -> list[str]:
        """Strings drawn from p(string | z), one for each row of z; see `draw`."""
        return self.draw(z, charges, mask=mask, temperature=temperature, seed=seed, max_length=max_length).smiles

    def draw(
        self,
        z: Vectors,
        charges: Charges,
        *,
        mask: Mask[Any] | None = None,
        temperature: float = 1.0,
        seed: int = 0,
        max_length: int | None = None,
    ) -> Decoded:
        """Draw strings from p(string | z).

        Args:
            z: latent vectors, shape (n, latent).
            charges: net charge of each, shape (n,).
            mask: restricts the tokens; None for the plain decoder.
            temperature: divides the logits; 0 takes the most probable token each time.
            seed: of the draws; with the same z, mask and temperature the strings are the same, on one device.
            max_length: tokens of the longest string; the model's own by default.
        """
        if len(z) == 0:
            return Decoded([], np.zeros(0, dtype=np.bool_), np.zeros(0))
        written = sample(
            self._writer,
            torch.from_numpy(np.ascontiguousarray(z, dtype=np.float32)).to(self._writer.device),
            self._rows(self.vocabulary.condition_ids(charges)),
            np.asarray(charges, dtype=np.int64),
            mask,
            temperature,
            seed,
            max_length or self.max_length,
        )
        strings = [self.vocabulary.decode(ids) for ids in written.ids]
        return Decoded(strings, written.finished, written.log_probability)

    def reconstruct(
        self, smiles: Sequence[str], charges: Charges, *, mask: Mask[Any] | None = None, beams: int = 1
    ) -> list[str]:
        """Decode the mean of q(z | string) without randomness, one string each.

        Args:
            smiles: what to encode.
            charges: their net charges.
            mask: restricts the decoder.
            beams: 1 takes the most probable token each time; more: see `invert`.
        """
        mu, _ = self.encode(smiles, charges)
        if beams == 1:
            return self.decode(mu, charges, mask=mask, temperature=0.0)
        return self.invert(mu, charges, mask=mask, beams=beams)

    def invert(self, z: Vectors, charges: Charges, *, mask: Mask[Any] | None = None, beams: int = 10) -> list[str]:
        """The string that decoder and encoder together hold for the origin of each z.

        A beam search proposes; of its strings that are molecules, the one with the largest
        log p(string | z) + log q(z | string) is taken. Neither sees anything but z.

        Args:
            z: latent vectors, shape (n, latent).
            charges: net charge of each.
            mask: restricts the decoder.
            beams: strings proposed for each z.
        """
        found = self._beams(z, charges, mask, beams)
        rows = np.array([row for row, one in enumerate(found) for _, text in one if _is_molecule(text)], dtype=np.int64)
        chosen = [one[0][1] for one in found]
        if not len(rows):
            return chosen
        texts = [text for one in found for _, text in one if _is_molecule(text)]
        scores = np.array([score for one in found for score, text in one if _is_molecule(text)])
        mu, logvar = (part.astype(np.float64) for part in self.encode(texts, np.asarray(charges, dtype=np.int64)[rows]))
        scores -= 0.5 * ((z[rows] - mu) ** 2 / np.exp(logvar) + logvar).sum(1)
        best: dict[int, int] = {}
        for i, row in enumerate(rows.tolist()):
            if row not in best or scores[i] > scores[best[row]]:
                best[row] = i
        for row, i in best.items():
            chosen[row] = texts[i]
        return chosen

    def best(self, z: Vectors, charges: Charges, *, mask: Mask[Any] | None = None, beams: int = 5) -> list[list[str]]:
        """The most probable strings of each row of z that a beam search finds, best first."""
        return [[text for _, text in one] for one in self._beams(z, charges, mask, beams)]

    def _beams(self, z: Vectors, charges: Charges, mask: Mask[Any] | None, beams: int) -> list[list[tuple[float, str]]]:
        conditions = self.vocabulary.condition_ids(charges)
        asked = np.asarray(charges, dtype=np.int64)
        found: list[list[tuple[float, str]]] = []
        step = _BLOCK // beams + 1
        for first in range(0, len(z), step):
            rows = slice(first, first + step)
            part = torch.from_numpy(np.ascontiguousarray(z[rows])).to(self._writer.device)
            lists = beam_search(
                self._writer, part, self._rows(conditions[rows]), asked[rows], mask, beams, self.max_length
            )
            found += [[(score, self.vocabulary.decode(ids)) for score, ids in one] for one in lists]
        return found

    def log_likelihood(
        self, smiles: Sequence[str], charges: Charges, *, samples: int = 1, seed: int = 0
    ) -> npt.NDArray[np.float64]:
        """Lower bound of log p(string), in nats, shape (n,).

        Burda, Grosse and Salakhutdinov, ICLR 2016; one sample is the ELBO (Kingma and Welling, ICLR 2014).

        Args:
            smiles: strings.
            charges: their net charges.
            samples: draws of z from q for each; more make the bound tighter.
            seed: of the draws.
        """
        mu, logvar = self.encode(smiles, charges)
        conditions = self.vocabulary.condition_ids(charges)
        targets = Ragged.of([self.vocabulary.encode(text) for text in smiles])
        rng = np.random.default_rng(seed)
        weights = np.empty((samples, len(smiles)))
        for number in range(samples):
            noise = rng.standard_normal(mu.shape, dtype=np.float32)
            z = mu + np.exp(0.5 * logvar) * noise
            # log prior - log q; the normalisations cancel.
            ratio = 0.5 * (noise.astype(np.float64) ** 2 + logvar - z.astype(np.float64) ** 2).sum(1)
            for rows in _blocks(targets.lengths):
                wanted = targets.padded(rows, end=self.vocabulary.eos_id).to(self._writer.device)
                with torch.inference_mode():
                    losses = self.network.token_losses(
                        torch.from_numpy(z[rows]).to(self._writer.device),
                        self._rows(conditions[rows]),
                        wanted,
                        shifted(wanted, self.vocabulary.bos_id),
                    )
                weights[number, rows] = ratio[rows] - losses.sum(0).double().cpu().numpy()
        bound: npt.NDArray[np.float64] = np.logaddexp.reduce(weights, axis=0) - math.log(samples)
        return bound

    def save(self, path: Path, *, half: bool = False) -> str:
        """Write tensors and facts to one safetensors file; its SHA-256.

        Args:
            path: the file to write, whole or not at all.
            half: store float16, half the size; computing stays in float32.
        """
        about = {
            "format": MODEL_FORMAT,
            "network": self.network.params.model_dump(mode="json"),
            "level": self.vocabulary.level,
            "tokens": list(self.vocabulary.tokens),
            "charges": list(self.vocabulary.charges),
            "about": self.about,
        }
        tensors = {name: one.half() if half else one for name, one in self.network.state_dict().items()}
        write_tensors(path, tensors, about)
        return sha256_file(path)

    @classmethod
    def load(cls, path: Path, sha256: str, *, device: str = "auto") -> SequenceVAE:
        """Read a model; nothing is unpickled.

        Args:
            path: a file that `save` wrote.
            sha256: what its content must hash to.
            device: ``cpu``, ``cuda`` or ``auto``.

        Raises:
            ArtifactError: the file is missing, damaged, not the expected one, or of another kind.
        """
        if not path.is_file():
            raise ArtifactError(f"The model {path} is missing.", "Restore the file or train again.")
        if (found := sha256_file(path)) != sha256:
            raise ArtifactError(
                f"{path} is not the model that was asked for: its SHA-256 is {found[:12]}..., not {sha256[:12]}...",
                "Restore the file or train again.",
            )
        tensors, about = read_tensors(path, MODEL_FORMAT)
        try:
            params = NetworkParams.model_validate(about["network"])
            vocabulary = Vocabulary(about["level"], tuple(about["tokens"]), tuple(about["charges"]))
            network = VaeNetwork(params, len(vocabulary), len(vocabulary.charges))
            network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        except (KeyError, ValidationError, RuntimeError, InputError) as error:
            raise ArtifactError(f"{path} cannot be read as a sequence model: {error}.", "Train again.") from error
        return cls(network, vocabulary, about["about"], device=device)

    def _rows(self, conditions: TokenIds) -> torch.Tensor:
        return torch.from_numpy(conditions).to(self._writer.device)


def _blocks(lengths: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Rows in blocks of about equal length."""
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), _BLOCK):
        yield order[first : first + _BLOCK]


def _is_molecule(smiles: str) -> bool:
    with rdBase.BlockLogs():
        return bool(smiles) and Chem.MolFromSmiles(smiles) is not None
