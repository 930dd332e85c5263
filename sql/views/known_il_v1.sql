-- One row per pairing that a source vouches for, with its ions, names, sources and consensus melting point.
SELECT
    p.id AS pairing_id,
    p.cation_id,
    c.smiles AS cation_smiles,
    c.formula AS cation_formula,
    p.n_cation,
    p.anion_id,
    a.smiles AS anion_smiles,
    a.formula AS anion_formula,
    p.n_anion,
    e.names,
    e.sources,
    e.n_claims,
    m.median AS tm_k,
    m.spread AS tm_spread_k,
    m.n_values AS n_tm
FROM ildb.pairing AS p
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
INNER JOIN (
    SELECT
        ev.pairing_id,
        array_agg(DISTINCT ev.name) FILTER (WHERE ev.name IS NOT NULL) AS names,
        array_agg(DISTINCT s.name) AS sources,
        count(*) AS n_claims
    FROM ildb.pairing_evidence AS ev
    INNER JOIN ildb.source AS s ON ev.source_id = s.id
    WHERE ev.kind = 'known'
    GROUP BY ev.pairing_id
) AS e ON p.id = e.pairing_id
LEFT JOIN LATERAL (
    -- Of melting points at several pressures, those at the one most often reported.
    SELECT * FROM ildb.consensus_measurement AS cm
    WHERE cm.pairing_id = p.id AND cm.property = 'melting_point'
    ORDER BY cm.n_values DESC, cm.pressure_kpa ASC NULLS FIRST
    LIMIT 1
) AS m ON TRUE
