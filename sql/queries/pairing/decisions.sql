-- What screens decided on a pairing, newest first.
SELECT
    d.run_id,
    d.passed,
    d.rank,
    d.score,
    d.pareto_rank,
    d.pick_order,
    d.sa_score,
    d.reasons,
    d.link_run_id,
    d.melting_model_id
FROM ildb.screening_decision AS d
WHERE d.pairing_id = :pairing_id
ORDER BY d.run_id DESC
