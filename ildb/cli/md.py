"""``ildb md``: force fields and simulations."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ildb.cli.output import JsonOption, print_fields, print_json, print_table
from ildb.md.settings import ChargeMethod

app = typer.Typer(help="Force fields of ions, and what simulations say.", no_args_is_help=True, rich_markup_mode=None)

_SUMMARY = (
    "smiles", "name", "charge", "backend", "grade", "meaning", "charge_method", "gate", "n_atoms", "lj14", "coulomb14",
    "citations", "ambertools", "max_penalty", "max_penalty_term", "empirical", "resp_relative_error", "resp_skipped",
    "am1bcc_skipped", "tried", "stored",
)  # fmt: skip


@app.command()
def parameters(
    key: Annotated[str, typer.Argument(metavar="SMILES", help="SMILES of an ion, or of a salt for its ions.")],
    charges: Annotated[ChargeMethod, typer.Option(help="How charges are made where none are published.")] = "resp",
    fresh: Annotated[bool, typer.Option(help="Derive anew, whatever the database holds; nothing is stored.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Force-field parameters of an ion: back end, grade, gate figures, charges; the stored ones if there are."""
    from ildb.md.known import parameters_of

    found = [parameters_of(ion, charges=charges, fresh=fresh) for ion in key.split(".")]
    if as_json:
        import json

        plain = [{**json.loads(one.ion.to_json()), "stored_as": one.row_id} for one in found]
        print_json(plain[0] if len(plain) == 1 else plain)
        return
    for number, one in enumerate(found):
        if number:
            typer.echo()
        _print_ion(one)


def _print_ion(found: Any) -> None:
    from ildb.md.parameters import GRADES

    ion = found.ion
    gate = ion.gate and (
        f"{ion.gate.angle_deg:.1f}° and {ion.gate.distance_nm:.4f} nm from the {ion.gate.reference} geometry,"
        f" {ion.gate.hot_distance_nm:.4f} nm at 500 K ({100 * ion.gate.strain:.0f} % of what is allowed)"
    )
    row = {
        **ion.provenance,
        "smiles": ion.smiles,
        "name": ion.name,
        "charge": ion.charge,
        "backend": ion.backend,
        "grade": ion.grade,
        "meaning": GRADES[ion.grade],
        "charge_method": ion.charge_method,
        "gate": gate,
        "n_atoms": ion.n_atoms,
        "lj14": ion.lj14,
        "coulomb14": ion.coulomb14,
        "stored": f"row {found.row_id} of md_parameters"
        if found.row_id
        else "no; a run of stage md.parameters stores it",
    }
    print_fields(row, _SUMMARY)
    typer.echo()
    atoms = [
        {
            "site": number,
            "element": atom.element,
            "type": atom.type,
            "charge_e": f"{atom.charge_e:+.4f}",
            "sigma_nm": f"{atom.sigma_nm:.4f}",
            "epsilon_kj_mol": f"{atom.epsilon_kj_mol:.4f}",
        }
        for number, atom in enumerate(ion.atoms)
    ]
    print_table(atoms, ("site", "element", "type", "charge_e", "sigma_nm", "epsilon_kj_mol"))
    typer.echo(f"{len(ion.bonds)} bonds, {len(ion.angles)} angles, {len(ion.torsions)} torsions; all of it: --json")
