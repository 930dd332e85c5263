-- Simulations, newest first, with how far they are: time simulated and to simulate, speed, and who is at it.
WITH point AS (
    SELECT
        simulation_id,
        count(*) AS n_done,
        count(*) FILTER (WHERE status = 'unstable') AS n_unstable,
        count(*) FILTER (WHERE is_subdiffusive) AS n_subdiffusive,
        sum(simulated_ps) AS done_ps,
        avg(ns_per_day) AS ns_per_day
    FROM ildb.md_point
    GROUP BY simulation_id
),

work AS (
    SELECT
        (t.payload ->> 'simulation_id')::bigint AS simulation_id,
        count(*) FILTER (WHERE t.status = 'running') AS n_running,
        count(*) FILTER (WHERE t.status = 'failed') AS n_failed
    FROM ildb.task AS t
    INNER JOIN ildb.stage_run AS r ON t.stage_run_id = r.id
    WHERE r.uses = 'md.ladder' AND t.status IN ('running', 'failed') AND t.payload ? 'simulation_id'
    GROUP BY 1
),

fitted AS (
    SELECT DISTINCT ON (simulation_id)
        simulation_id,
        shape,
        tm_k,
        tm_low_k,
        tm_high_k,
        reason
    FROM ildb.md_melting_point
    WHERE direction = 'all'
    ORDER BY simulation_id ASC, id DESC
)

SELECT
    s.id,
    s.run_id,
    s.pairing_id,
    c.smiles AS cation_smiles,
    p.n_cation,
    a.smiles AS anion_smiles,
    p.n_anion,
    s.preset,
    s.grade,
    s.refusal,
    CASE
        WHEN s.refusal IS NOT NULL THEN 'refused'
        WHEN coalesce(point.n_done, 0) = cardinality(s.temperatures_k) * cardinality(s.passes) * s.n_seeds THEN 'done'
        WHEN work.n_failed > 0 THEN 'failed'
        WHEN work.n_running > 0 THEN 'running'
        ELSE 'waiting'
    END AS status,
    coalesce(point.n_done, 0) AS n_points,
    cardinality(s.temperatures_k) * cardinality(s.passes) * s.n_seeds AS n_points_planned,
    coalesce(point.n_unstable, 0) AS n_unstable,
    coalesce(point.n_subdiffusive, 0) AS n_subdiffusive,
    coalesce(point.done_ps, 0) / 1000 AS done_ns,
    (
        cardinality(s.temperatures_k) * cardinality(s.passes) * s.n_seeds * (s.equilibrate_ps + s.produce_ps)
        + s.n_seeds * s.melt_ps
    ) / 1000 AS planned_ns,
    point.ns_per_day,
    coalesce(work.n_running, 0) AS n_running,
    fitted.shape,
    fitted.tm_k,
    fitted.tm_low_k,
    fitted.tm_high_k,
    fitted.reason,
    s.n_units,
    s.n_atoms,
    s.created_at
FROM ildb.md_simulation AS s
INNER JOIN ildb.pairing AS p ON s.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
LEFT JOIN point ON s.id = point.simulation_id
LEFT JOIN work ON s.id = work.simulation_id
LEFT JOIN fitted ON s.id = fitted.simulation_id
WHERE CAST(:simulation_id AS numeric) IS NULL OR s.id = CAST(:simulation_id AS numeric)
ORDER BY s.id DESC
