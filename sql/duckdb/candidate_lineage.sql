-- Where each candidate comes from: the run that decided, the models that scored, the data they learned from, the recipe
-- and the version of ildb.
SELECT
    c.pairing_id,
    c.cation_smiles,
    c.anion_smiles,
    c.passed,
    c.rank,
    c.run_id,
    r.recipe_name,
    r.recipe_sha256,
    r.code_version,
    r.git_commit,
    c.link_run_id,
    l.model_id AS link_model_id,
    ls.sha256 AS link_snapshot_sha256,
    ls.n_rows AS link_snapshot_rows,
    c.melting_model_id,
    ms.sha256 AS melting_snapshot_sha256,
    ms.n_rows AS melting_snapshot_rows
FROM candidate AS c
INNER JOIN run AS r ON c.run_id = r.id
LEFT JOIN link_score AS l
    ON c.pairing_id = l.pairing_id AND c.link_run_id = l.run_id AND c.link_round = l.round
LEFT JOIN model AS lm ON l.model_id = lm.id
LEFT JOIN dataset_snapshot AS ls ON lm.snapshot_id = ls.id
LEFT JOIN model AS mm ON c.melting_model_id = mm.id
LEFT JOIN dataset_snapshot AS ms ON mm.snapshot_id = ms.id
ORDER BY c.rank NULLS LAST, c.pairing_id
