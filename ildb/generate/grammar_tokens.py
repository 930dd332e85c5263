"""What each token of a vocabulary does to a half-written SMILES."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.generate.tokens import Vocabulary

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OTHER: Final = 0
ATOM: Final = 1
BOND: Final = 2
OPEN: Final = 3
CLOSE: Final = 4
RING: Final = 5
END: Final = 6

_BRACKET: Final = re.compile(r"^\[(\d+)?([A-Z][a-z]?|[a-z][a-z]?)(@{0,2})(H\d*)?([+-]\d*|\++|-+)?(:\d+)?\]$")
# Bond orders an uncharged atom outside brackets may reach; hydrogens fill up to the next.
_ORGANIC: Final = {"B": 3, "C": 4, "N": 3, "O": 2, "P": 5, "S": 6, "F": 1, "Cl": 1, "Br": 1, "I": 1}
# Connections of an aromatic atom outside brackets: bonds in the ring and at most one to a substituent.
_AROMATIC: Final = {"c": 3, "n": 3, "o": 2, "s": 2, "b": 3, "p": 3}
_ELECTRONS: Final = {
    "B": 3, "Al": 3, "Ga": 3, "In": 3, "C": 4, "Si": 4, "Ge": 4, "Sn": 4, "N": 5, "P": 5, "As": 5, "Sb": 5, "O": 6,
    "S": 6, "Se": 6, "Te": 6, "F": 7, "Cl": 7, "Br": 7, "I": 7,
}  # fmt: skip
_BRANCHES: Final = {"(": OPEN, ")": CLOSE}
MAX_BONDS: Final = 6
# Sulfur with three or five bonds, phosphorus with four: valid with a hydrogen that nobody means.
_HALF_FILLED: Final = {"S": [3, 5], "P": [4]}
_BONDS: Final = {"-": 1, "=": 2, "#": 3, ":": 1, "/": 1, "\\": 1}


@dataclass(frozen=True)
class TokenTable:
    """Arrays over the vocabulary, each of shape (len(vocabulary),).

    Attributes:
        kind: `ATOM`, `BOND`, ...; `OTHER` for what is never written.
        valence: bond orders an atom has room for; of an aromatic one, connections.
        exact: whether all of that room must be used, because hydrogens of a bracket atom are written.
        charge: of the atom, e.
        aromatic: whether the atom is.
        pi: of an aromatic atom: 1 it needs a double bond in the ring, 0 it brings an electron pair, 2 either, as its
            connections tell.
        order: of a bond.
        ring: number of a ring closure.
        done: whether an atom may be left with so many of its bonds used, shape (len(vocabulary), `MAX_BONDS` + 1).
    """

    kind: Ints
    valence: Ints
    exact: Bools
    charge: Ints
    aromatic: Bools
    pi: Ints
    order: Ints
    ring: Ints
    done: Bools


def token_table(vocabulary: Vocabulary) -> TokenTable:
    """Read every token of an atom-level vocabulary.

    Raises:
        InputError: the vocabulary is of characters, or of whole ionic liquids.
    """
    if vocabulary.level != "atom":
        raise InputError(
            "The grammar works on atom tokens; this model writes characters.", 'Sample without a mask: mask = "none".'
        )
    n = len(vocabulary)
    table = TokenTable(
        **{name: np.zeros(n, dtype=np.int64) for name in ("kind", "valence", "charge", "pi", "order", "ring")},
        exact=np.zeros(n, dtype=np.bool_),
        aromatic=np.zeros(n, dtype=np.bool_),
        done=np.zeros((n, MAX_BONDS + 1), dtype=np.bool_),
    )
    for i, token in enumerate(vocabulary.tokens):
        if i == vocabulary.eos_id:
            table.kind[i] = END
        elif i not in (vocabulary.pad_id, vocabulary.bos_id):
            _read(table, i, token)
    used = np.arange(MAX_BONDS + 1)
    table.done[:] = np.where(table.exact[:, None], used == table.valence[:, None], used <= table.valence[:, None])
    for symbol, odd in _HALF_FILLED.items():
        if symbol in vocabulary.tokens:
            table.done[vocabulary.tokens.index(symbol), odd] = False
    return table


def _read(table: TokenTable, i: int, token: str) -> None:
    if token in _BRANCHES:
        table.kind[i] = _BRANCHES[token]
    elif token in _BONDS:
        table.kind[i], table.order[i] = BOND, _BONDS[token]
    elif token.isdigit() or token.startswith("%"):
        table.kind[i], table.ring[i] = RING, int(token.lstrip("%"))
    elif token in (*_ORGANIC, *_AROMATIC):
        table.kind[i] = ATOM
        table.aromatic[i] = token in _AROMATIC
        table.valence[i] = _AROMATIC[token] if token in _AROMATIC else _ORGANIC[token]
        if table.aromatic[i]:
            table.pi[i] = {"c": 1, "n": 2, "p": 2}.get(token, 0)
    elif match := _BRACKET.match(token):
        _read_bracket(table, i, match)


def _read_bracket(table: TokenTable, i: int, match: re.Match[str]) -> None:
    _, symbol, _, hydrogens, sign, _ = match.groups()
    n_hydrogens = 0 if not hydrogens else int(hydrogens[1:] or 1)
    charge = 0
    if sign:
        charge = int(sign[1:]) if len(sign) > 1 and sign[1:].isdigit() else len(sign)
        charge = -charge if sign[0] == "-" else charge
    aromatic = symbol[0].islower()
    element = symbol.capitalize()
    electrons = _ELECTRONS.get(element)
    table.charge[i], table.aromatic[i] = charge, aromatic
    if electrons is None:
        return  # metals and other rarities are not written
    table.kind[i] = ATOM
    if aromatic:
        # [n+], [nH+], [nH], [n-], [o+], [s+], [cH-], [c-], [Se]
        allowed = {"C": 3, "N": 3, "B": 3, "P": 3}.get(element, 2) if charge >= 0 else {"C": 3}.get(element, 2)
        if element in ("O", "S", "Se") and charge > 0:
            allowed = 2
        if element == "N" and charge == 0 and n_hydrogens == 0:
            allowed = 3
        table.valence[i] = allowed - n_hydrogens
        table.exact[i] = True
        # A cation of N needs a double bond in the ring, one of O or S too; N-H, N-, C- and Se bring a pair.
        table.pi[i] = 1 if charge > 0 or (element == "C" and charge == 0) else 0
        if element == "N" and charge == 0 and n_hydrogens == 0:
            table.pi[i] = 2
        return
    valence = _valence(element, electrons, charge) - n_hydrogens
    table.valence[i] = max(valence, 0)
    table.exact[i] = True


def _valence(element: str, electrons: int, charge: int) -> int:
    """Bonds of a charged or bracketed atom with a closed shell, expanded where the field draws it so (PF6-)."""
    left = electrons - charge
    if element in ("P", "As", "Sb") and charge == -1:
        return 6
    if left <= 4:
        return left
    return 8 - left
