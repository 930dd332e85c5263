"""A pairing's lineage as a tree of lines that a page shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from ildb.db.lineage import DECISION_STAGE, LINK_STAGE, MELTING_STAGE, Lineage, Row
from ildb.web.formats import kelvin, number, share


@dataclass
class Node:
    """A line of the tree.

    Attributes:
        text: what it says.
        kind: what it is about: claim, value, score, decision, draw, run, model, data, source.
        link: a page of ours about it.
        source: row of a source, for its DOI, address and licence.
        reference: a reference of the row's own.
        children: what it comes from.
    """

    text: str
    kind: str
    link: str | None = None
    source: Row | None = None
    reference: str | None = None
    children: list[Node] = field(default_factory=list)


def nodes(found: Lineage) -> list[Node]:
    """The lines of a lineage, the newest decision first: decisions, scores, draws, claims, values."""
    return [
        *(_decision(found, row) for row in found.decisions),
        *(_link(found, row) for row in found.link_scores),
        *(_melting(found, row) for row in found.melting_scores),
        *(_draw(found, row) for row in found.generated),
        *(_claim(found, row) for row in found.evidence),
        *(_value(found, row) for row in found.measurements),
    ]


def _decision(found: Lineage, row: Row) -> Node:
    text = f"Decision: passed, rank {row['rank']}" if row["passed"] else "Decision: refused"
    node = Node(text, "decision", children=[_run(found, row["run_id"], DECISION_STAGE)])
    if row["link_run_id"] is not None:
        node.children.append(
            Node(f"rests on the link score of run {row['link_run_id']}", "run", f"/runs/{row['link_run_id']}")
        )
    node.children.append(Node(f"rests on the melting score of model {row['melting_model_id']}", "model"))
    return node


def _link(found: Lineage, row: Row) -> Node:
    return Node(
        f"Link score {share(row['probability'])}, round {row['round']}",
        "score",
        children=[_run(found, row["run_id"], LINK_STAGE), _model(found, row["model_id"])],
    )


def _melting(found: Lineage, row: Row) -> Node:
    return Node(
        f"Melting score: P(Tm < 373 K) {share(row['p_below_373_k'])}, Tm {kelvin(row['tm_k'])}",
        "score",
        children=[_run(found, row["run_id"], MELTING_STAGE), _model(found, row["model_id"])],
    )


def _draw(found: Lineage, row: Row) -> Node:
    what = "the pairing" if row["ion_id"] is None else f"ion {row['ion_smiles']}"
    return Node(
        f"Generated: {what}, draw {row['position']}",
        "draw",
        children=[_run_at(found, row["run_id"], found.drawing_stage(row)), _model(found, row["model_id"])],
    )


def _claim(found: Lineage, row: Row) -> Node:
    name = f" as {row['name']}" if row["name"] else ""
    return Node(f"Evidence: {row['kind']}{name}", "claim", children=[_origin(found, row, reference=row["reference"])])


def _value(found: Lineage, row: Row) -> Node:
    sign = "" if row["qualifier"] == "=" else f"{row['qualifier']} "
    text = f"Measured {row['property'].replace('_', ' ')}: {sign}{number(row['value'])} {row['unit']}"
    return Node(text, "value", children=[_origin(found, row, reference=row["reference"])])


def _origin(found: Lineage, row: Row, reference: str | None = None, n_rows: int | None = None) -> Node:
    rows = "" if n_rows is None else f": {n_rows:,} rows"
    if row["source_id"] is None:
        return _run(found, row["run_id"], None, rows)
    source = found.sources[row["source_id"]]
    return Node(f"Source {source['name']}{rows}", "source", source=source, reference=reference)


def _run(found: Lineage, run_id: int, uses: str | None, rows: str = "") -> Node:
    return _run_at(found, run_id, found.stage(run_id, uses) if uses else None, rows)


def _run_at(found: Lineage, run_id: int, stage: Row | None, rows: str = "") -> Node:
    run = found.runs[run_id]
    at = f", stage {stage['name']} ({stage['uses']} v{stage['version']})" if stage else ""
    commit = f", commit {run['git_commit'][:7]}" if run["git_commit"] else ""
    return Node(
        f"Run {run_id} of {run['recipe']}{at}, ildb {run['code_version']}{commit}{rows}", "run", f"/runs/{run_id}"
    )


def _model(found: Lineage, model_id: int) -> Node:
    model = found.models[model_id]
    snapshot = found.snapshots[model["snapshot_id"]]
    data = Node(
        f"Data snapshot {snapshot['id']}: {snapshot['n_rows']:,} rows, sha256 {snapshot['sha256'][:12]}",
        "data",
        children=[_origin(found, origin, n_rows=origin["n_rows"]) for origin in snapshot["origins"]],
    )
    text = f"Model {model_id} ({model['kind']}), trained by stage {model['stage']} of run {model['run_id']}"
    return Node(text, "model", f"/runs/{model['run_id']}", children=[data])
