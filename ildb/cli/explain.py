"""``ildb model explain``: what in a salt its predicted melting point comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ildb.cli.keys import require_pairing
from ildb.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ildb.melting.attribution import BranchEffect
    from ildb.melting.model import MeltingModel

_N_BACKGROUND = 20
_TITLE = "Predicted Tm with each substituent, less that with hydrogen in its place"


def explain(
    model_id: Annotated[int, typer.Argument(metavar="MODEL", help="Number of a melting model (ildb model list).")],
    pairing: Annotated[str, typer.Argument(metavar="PAIRING", help="Id, or 'cation.anion' SMILES.")],
    svg: Annotated[Path | None, typer.Option(help="Draw the atoms' shares into this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What cation, anion, substituents and atoms add to a predicted melting point."""
    from ildb.config import get_settings
    from ildb.errors import InputError
    from ildb.melting.attribution import explain as explain_salt
    from ildb.melting.attribution import outermost
    from ildb.melting.store import load
    from ildb.pipeline.artifacts import ArtifactStore
    from ildb.search.facts import find_pairing
    from ildb.search.models import model_facts
    from ildb.search.session import reading

    require_pairing(pairing)  # a bad structure is named at once, also when no database answers
    with reading() as connection:
        salt, facts = find_pairing(connection, pairing), model_facts(connection, model_id)
    if facts["kind"] != "melting":
        raise InputError(f"Model {model_id} is of kind {facts['kind']}.", "See: ildb model list --kind melting")
    model = load(ArtifactStore(get_settings().artifacts_dir).get(facts["artifact"]["sha256"]))
    # Evenly spaced over the measured salts, which are sorted by structure: the same background every time.
    rows = range(0, len(model.data), max(1, len(model.data) // _N_BACKGROUND))
    found = explain_salt(
        _predictor(model),
        salt["cation_smiles"],
        salt["anion_smiles"],
        [model.data.cation_smiles[i] for i in rows],
        [model.data.anion_smiles[i] for i in rows],
    )
    if svg is not None:
        from ildb.melting.atom_map import atom_map_svg

        svg.write_text(atom_map_svg(salt["cation_smiles"], salt["anion_smiles"], found), encoding="utf-8")
    effects = [{**effect._asdict(), "effect_k": _or_none(effect.effect_k)} for effect in found.branches]
    if as_json:
        atoms = {"cation_atoms": found.cation_atoms.tolist(), "anion_atoms": found.anion_atoms.tolist()}
        print_json(
            {"model_id": model_id, "pairing_id": salt["id"], **found.shares._asdict(), "branches": effects, **atoms}
        )
        return
    shares = found.shares
    typer.echo(f"predicted Tm {shares.tm_k:.0f} K = {shares.baseline_k:.0f} K of typical salts", nl=False)
    typer.echo(f" {shares.cation_k:+.0f} K cation {shares.anion_k:+.0f} K anion")
    typer.echo(f"cation {salt['cation_smiles']}\nanion  {salt['anion_smiles']}")
    if found.branches:
        whole = outermost(found.branches)
        print_table(_told(whole), ("ion", "substituent", "ion_without_it", "effect_K"), title=_TITLE)
        if n_parts := len(found.branches) - len(whole):
            typer.echo(f"{n_parts} parts of these substituents: --json")
    if svg is not None:
        typer.echo(f"Drawn in {svg}.", err=True)


def _told(effects: Sequence[BranchEffect]) -> list[dict[str, str]]:
    """Rows of a table; equal substituents whose removal leaves the same ion are one row."""
    counts = Counter((e.ion, e.fragment, e.removed, _kelvin(e.effect_k)) for e in effects)
    return [
        {
            "ion": ion,
            "substituent": fragment if n == 1 else f"{fragment} ({n} of them, each)",
            "ion_without_it": removed,
            "effect_K": effect,
        }
        for (ion, fragment, removed, effect), n in counts.items()
    ]


def _kelvin(effect_k: float) -> str:
    return "unknown" if _or_none(effect_k) is None else f"{effect_k:+.1f}"


def _predictor(model: MeltingModel) -> Callable[[Sequence[tuple[str, str]]], npt.NDArray[np.float64]]:
    """The model as a function of SMILES pairs; a pair that is not neutral as one cation to one anion is balanced."""
    import numpy as np

    from ildb.melting.ions import IonTable
    from ildb.melting.score import score_pairs

    def predict(pairs: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64]:
        smiles = list(dict.fromkeys(text for pair in pairs for text in pair))
        position = {text: i for i, text in enumerate(smiles)}
        ions = IonTable.build(smiles)
        cation, anion = (np.array([position[pair[side]] for pair in pairs]) for side in (0, 1))
        common = np.maximum(np.gcd(ions.charge[cation], ions.charge[anion]), 1)
        counts = (np.maximum(np.abs(ions.charge[ion]) // common, 1) for ion in (anion, cation))
        return score_pairs(model, ions, cation, anion, *counts).tm_k

    return predict


def _or_none(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 (NaN)
