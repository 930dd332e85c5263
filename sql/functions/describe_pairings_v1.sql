-- What a search shows of the given pairings, in the given order.
-- The predicted figures are those the latest decision rests on, else the newest.
CREATE FUNCTION ildb.describe_pairings(pairing_ids bigint [])
RETURNS TABLE (
    pairing_id bigint, cation_smiles text, anion_smiles text, n_cation smallint, n_anion smallint,
    names text [], evidence text [], tm_k double precision, tm_predicted_k real, link_probability real,
    p_below_373_k real, passed boolean, rank integer
)
LANGUAGE sql STABLE
AS $$
    SELECT
        p.id AS pairing_id,
        c.smiles AS cation_smiles,
        a.smiles AS anion_smiles,
        p.n_cation,
        p.n_anion,
        e.names,
        e.evidence,
        t.median AS tm_k,
        m.tm_k AS tm_predicted_k,
        l.probability AS link_probability,
        m.p_below_373_k,
        d.passed,
        d.rank
    FROM unnest(describe_pairings.pairing_ids) WITH ORDINALITY AS page (pairing_id, position)
    INNER JOIN ildb.pairing AS p ON page.pairing_id = p.id
    INNER JOIN ildb.ion AS c ON p.cation_id = c.id
    INNER JOIN ildb.ion AS a ON p.anion_id = a.id
    CROSS JOIN
        LATERAL (
            SELECT
                coalesce(array_agg(DISTINCT ev.name) FILTER (WHERE ev.name IS NOT NULL), '{}') AS names,
                coalesce(array_agg(DISTINCT ev.kind), '{}') AS evidence
            FROM ildb.pairing_evidence AS ev
            WHERE ev.pairing_id = p.id
        ) AS e
    LEFT JOIN LATERAL (
        SELECT x.median
        FROM ildb.consensus_measurement AS x
        WHERE x.pairing_id = p.id AND x.property = 'melting_point' AND x.temperature_k IS NULL
        ORDER BY x.pressure_kpa NULLS FIRST
        LIMIT 1
    ) AS t ON TRUE
    LEFT JOIN LATERAL (
        SELECT
            x.passed,
            x.rank,
            x.link_run_id,
            x.melting_model_id
        FROM ildb.screening_decision AS x
        WHERE x.pairing_id = p.id
        ORDER BY x.run_id DESC
        LIMIT 1
    ) AS d ON TRUE
    LEFT JOIN LATERAL (
        SELECT
            x.tm_k,
            x.p_below_373_k
        FROM ildb.melting_score AS x
        WHERE x.pairing_id = p.id
        ORDER BY coalesce(x.model_id = d.melting_model_id, FALSE) DESC, x.model_id DESC
        LIMIT 1
    ) AS m ON TRUE
    LEFT JOIN LATERAL (
        SELECT x.probability
        FROM ildb.link_score AS x
        WHERE x.pairing_id = p.id
        ORDER BY coalesce(x.run_id = d.link_run_id, FALSE) DESC, x.run_id DESC, x.round DESC
        LIMIT 1
    ) AS l ON TRUE
    ORDER BY page.position
$$
