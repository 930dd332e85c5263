"""SMILES as sequences of tokens, by character (as in the paper) or by atom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError

Level = Literal["char", "atom"]
TokenIds = npt.NDArray[np.int64]

PAD: Final = "<pad>"
BOS: Final = "<bos>"
EOS: Final = "<eos>"
PAIR_CHARGE: Final = 0
"""Condition of a whole ionic liquid, which is neutral."""

_ATOM_TOKEN: Final = re.compile(r"\[[^\[\]]+\]|Br|Cl|%\d\d|.", re.DOTALL)


class UnknownTokenError(InputError):
    """A SMILES has a character or atom that a vocabulary lacks."""


class UnknownConditionError(InputError):
    """A charge was asked for that a model was not trained on."""


def split_smiles(smiles: str, level: Level) -> list[str]:
    """Tokens of a SMILES.

    Args:
        smiles: any text; nothing is validated.
        level: ``char`` gives characters; ``atom`` keeps bracket atoms, Br, Cl and two-digit ring closures whole.
    """
    return list(smiles) if level == "char" else _ATOM_TOKEN.findall(smiles)


def condition_name(charge: int) -> str:
    """Name of a charge condition: ``cation+1``, ``anion-2``, ``pair``."""
    if charge == PAIR_CHARGE:
        return "pair"
    return f"{'cation' if charge > 0 else 'anion'}{charge:+d}"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and charge conditions that a model knows.

    Attributes:
        level: how SMILES are split.
        tokens: every token; a token's id is its place. The first three are `PAD`, `BOS` and `EOS`.
        charges: net charges that a string can be asked for, in e, ascending; ``(0,)`` for whole ionic liquids.
    """

    level: Level
    tokens: tuple[str, ...]
    charges: tuple[int, ...]

    pad_id = 0
    bos_id = 1
    eos_id = 2

    def __post_init__(self) -> None:
        if self.tokens[:3] != (PAD, BOS, EOS) or len(set(self.tokens)) != len(self.tokens):
            raise InputError("A vocabulary must start with <pad>, <bos>, <eos> and name each token once.")

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def _conditions(self) -> dict[int, int]:
        return {charge: i for i, charge in enumerate(self.charges)}

    @classmethod
    def of(cls, smiles: Iterable[str], level: Level, charges: Iterable[int]) -> Vocabulary:
        """The tokens that occur in a set of SMILES, in alphabetical order."""
        found = sorted({token for text in smiles for token in split_smiles(text, level)})
        return cls(level, (PAD, BOS, EOS, *found), tuple(sorted(set(charges))))

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, smiles: str) -> TokenIds:
        """Ids of a SMILES' tokens, without specials, int64, shape (length,).

        Raises:
            UnknownTokenError: it has a token that the vocabulary lacks; the message names both.
        """
        ids, split = self._ids, split_smiles(smiles, self.level)
        try:
            return np.fromiter((ids[token] for token in split), dtype=np.int64, count=len(split))
        except KeyError as error:
            raise UnknownTokenError(
                f"{error.args[0]!r} in {smiles!r} is not among the {len(self.tokens) - 3} tokens of the model.",
                "Train a model on data that contain it.",
            ) from None

    def knows(self, smiles: str) -> bool:
        """Whether every token of a SMILES is known."""
        return all(token in self._ids for token in split_smiles(smiles, self.level))

    def decode(self, ids: Sequence[int] | TokenIds) -> str:
        """SMILES of token ids, up to the first `EOS`; other specials are left out."""
        text: list[str] = []
        for i in ids:
            if i == self.eos_id:
                break
            if i not in (self.pad_id, self.bos_id):
                text.append(self.tokens[int(i)])
        return "".join(text)

    def condition_ids(self, charges: Sequence[int] | npt.NDArray[np.int64]) -> TokenIds:
        """Row of each charge in `charges`, int64, shape (n,).

        Raises:
            UnknownConditionError: a charge the model was not trained on.
        """
        rows = self._conditions
        try:
            return np.fromiter((rows[int(charge)] for charge in charges), dtype=np.int64, count=len(charges))
        except KeyError as error:
            known = ", ".join(condition_name(charge) for charge in self.charges)
            raise UnknownConditionError(
                f"The model was not trained on {condition_name(error.args[0])}; it knows {known}."
            ) from None
