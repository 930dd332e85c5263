"""``ildb lineage``: where rows come from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from ildb.cli.keys import require_pairing
from ildb.cli.output import JsonOption, cell, console, print_json

if TYPE_CHECKING:
    from ildb.db.lineage import Lineage, Row

app = typer.Typer(help="Show where rows come from.", no_args_is_help=True, rich_markup_mode=None)

# More than any node of a tree: two SMILES of 2,000 characters each and what is said about them.
_WIDEST = 10_000


class Format(StrEnum):
    """How a lineage is written."""

    tree = "tree"
    json = "json"
    prov_json = "prov-json"


@app.callback()
def _lineage() -> None:
    """Show where rows come from."""


@app.command()
def pairing(
    key: Annotated[str, typer.Argument(metavar="ID|SMILES", help="Id, or 'cation.anion' SMILES.")],
    format: Annotated[Format, typer.Option(help="prov-json is W3C PROV.")] = Format.tree,  # noqa: A002
    as_json: JsonOption = False,
) -> None:
    """A pairing's evidence, scores and decisions, back to the sources of the rows that trained the models."""
    if as_json and format is Format.prov_json:
        raise typer.BadParameter("--json and --format prov-json contradict each other.")
    require_pairing(key)  # a bad structure is named at once, also when no database answers
    from ildb.db import lineage
    from ildb.export.prov import prov_json
    from ildb.search.facts import find_pairing
    from ildb.search.session import reading

    with reading() as connection:
        found = lineage.read(connection, find_pairing(connection, key))
    if format is Format.prov_json:
        print_json(prov_json(found))
    elif as_json or format is Format.json:
        print_json(lineage.nested(found))
    else:
        print_tree(_tree(found))


def print_tree(tree: Tree) -> None:
    """Print a tree whole: wrapped between words on a terminal, elsewhere one line for each node."""
    if console.is_terminal:
        console.print(tree)
    else:  # a tree is cropped at the width, soft wrapping or not
        Console(width=_WIDEST, highlight=False).print(tree)


def _branch(parent: Tree, text: str, style: str = "") -> Tree:
    return parent.add(Text(text, style))  # Text, for SMILES have brackets that markup would take


def _tree(found: Lineage) -> Tree:
    from ildb.db.lineage import DECISION_STAGE, LINK_STAGE, MELTING_STAGE

    row = found.pairing
    ratio = "" if row["n_cation"] == row["n_anion"] == 1 else f"  ({row['n_cation']}:{row['n_anion']})"
    root = Tree(Text(f"pairing {row['id']}: {row['cation_smiles']}.{row['anion_smiles']}{ratio}", "bold"))
    for evidence in found.evidence:
        name = f" as {evidence['name']}" if evidence["name"] else ""
        _origin(found, _branch(root, f"evidence: {evidence['kind']}{name}"), evidence)
    for draw in found.generated:
        what = "pairing" if draw["ion_id"] is None else draw["ion_smiles"]
        node = _branch(root, f"generated: {what} ({draw['method']}, draw {draw['position']}, seed {draw['seed']})")
        _run(found, node, draw["run_id"], found.drawing_stage(draw))
        _model(found, node, draw["model_id"])
    for value in found.measurements:
        text = f"measurement: {value['property']} {value['qualifier']} {value['value']:g} {value['unit']}"
        _origin(found, _branch(root, text), value)
    for score in found.link_scores:
        node = _branch(root, f"link score {cell(score['probability'])} (round {score['round']})")
        _run(found, node, score["run_id"], found.stage(score["run_id"], LINK_STAGE))
        _model(found, node, score["model_id"])
    for score in found.melting_scores:
        interval = f"{cell(score['tm_low_k'])} to {cell(score['tm_high_k'])}"
        text = f"melting score: P(Tm < 373 K) {cell(score['p_below_373_k'])}, Tm {cell(score['tm_k'])} K ({interval})"
        node = _branch(root, text)
        _run(found, node, score["run_id"], found.stage(score["run_id"], MELTING_STAGE))
        _model(found, node, score["model_id"])
    for decision in found.decisions:
        text = f"passed, rank {decision['rank']}" if decision["passed"] else "refused"
        node = _branch(root, f"decision: {text}", "green" if decision["passed"] else "yellow")
        _run(found, node, decision["run_id"], found.stage(decision["run_id"], DECISION_STAGE))
        if decision["link_run_id"] is not None:
            _branch(node, f"rests on the link scores of run {decision['link_run_id']}")
        _branch(node, f"rests on the melting scores of model {decision['melting_model_id']}")
    for simulation in found.simulations:
        _simulation(found, root, simulation)
    return root


def _simulation(found: Lineage, root: Tree, row: Row) -> None:
    from ildb.db.lineage import FIT_STAGE, FORCE_FIELD_STAGE, LADDER_STAGE

    text = row["refusal"] or f"{row['preset']}, grade {row['grade']}, {row['n_points']} points"
    node = _branch(root, f"simulation {row['id']}: {'refused, ' if row['refusal'] else ''}{text}")
    _run(found, node, row["run_id"], found.stage(row["run_id"], LADDER_STAGE))
    for ion in () if row["refusal"] else ("cation", "anion"):
        method = f"{row[f'{ion}_backend']}, {row[f'{ion}_charge_method']} charges"
        made_by = row[f"{ion}_run_id"]
        _run(
            found,
            _branch(node, f"force field of the {ion}: {method}"),
            made_by,
            found.stage(made_by, FORCE_FIELD_STAGE),
        )
    for fit in row["fits"]:
        said = f"none, {fit['shape']} ({fit['reason'].rstrip('.')})"
        if fit["tm_k"] is not None:
            said = f"{fit['tm_k']:.0f} K ({fit['tm_low_k']:.0f} to {fit['tm_high_k']:.0f} K), a {fit['shape']}"
        if fit["calibrated_tm_k"] is not None:
            said += f", calibrated {fit['calibrated_tm_k']:.0f} K"
        branch = _branch(node, f"apparent melting point: {said}")
        _run(found, branch, fit["run_id"], found.stage(fit["run_id"], FIT_STAGE))
        if fit["calibration_model_id"] is not None:
            _model(found, branch, fit["calibration_model_id"])


def _origin(found: Lineage, node: Tree, row: Row, n_rows: int | None = None) -> None:
    """The source of a row (or of many), else the run that predicted it."""
    rows = "" if n_rows is None else f": {n_rows:,} rows"
    if row["source_id"] is None:
        return _run(found, node, row["run_id"], None, rows)
    source = found.sources[row["source_id"]]
    details = (row.get("reference"), source["doi"], source["licence"], f"sha256 {source['sha256'][:12]}")
    _branch(node, f"source {source['name']}{rows} ({'; '.join(text for text in details if text)})", "cyan")
    return None


def _run(found: Lineage, node: Tree, run_id: int, stage: Row | None, rows: str = "") -> None:
    run = found.runs[run_id]
    at = f", stage {stage['name']} ({stage['uses']} v{stage['version']})" if stage else ""
    commit = f", commit {run['git_commit'][:7]}" if run["git_commit"] else ""
    _branch(node, f"run {run_id} of {run['recipe']}{at}, ildb {run['code_version']}{commit}{rows}")


def _model(found: Lineage, node: Tree, model_id: int) -> None:
    model = found.models[model_id]
    snapshot = found.snapshots[model["snapshot_id"]]
    branch = _branch(
        node, f"model {model_id} ({model['kind']}), trained by stage {model['stage']} of run {model['run_id']}"
    )
    title = f"snapshot {snapshot['id']}: {snapshot['n_rows']:,} rows, sha256 {snapshot['sha256'][:12]}"
    rows = _branch(branch, title)
    for origin in snapshot["origins"]:
        _origin(found, rows, origin, origin["n_rows"])
