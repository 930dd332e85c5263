-- What a source has in the database: records that claim a pairing, distinct pairings, those of
-- dications with two anions, values.
SELECT
    s.id AS source_id,
    (SELECT count(DISTINCT e.source_key) FROM ildb.pairing_evidence AS e WHERE e.source_id = s.id) AS claims,
    p.pairings,
    p.cations,
    p.anions,
    p.two_anions,
    (
        SELECT count(*)
        FROM ildb.pairing_evidence AS e
        INNER JOIN ildb.pairing AS t ON e.pairing_id = t.id
        WHERE e.source_id = s.id AND t.n_cation = 1 AND t.n_anion = 2
    ) AS two_anion_claims,
    (SELECT count(*) FROM ildb.measurement AS m WHERE m.source_id = s.id) AS measurements,
    (SELECT count(*) FROM ildb.quarantine AS q WHERE q.source_id = s.id) AS quarantined
FROM ildb.source AS s
CROSS JOIN LATERAL (
    SELECT
        count(*) AS pairings,
        count(DISTINCT r.cation_id) AS cations,
        count(DISTINCT r.anion_id) AS anions,
        count(*) FILTER (WHERE r.n_cation = 1 AND r.n_anion = 2) AS two_anions
    FROM ildb.pairing AS r
    WHERE EXISTS (SELECT FROM ildb.pairing_evidence AS e WHERE e.pairing_id = r.id AND e.source_id = s.id)
) AS p
WHERE s.name = :name AND s.sha256 = :sha256
