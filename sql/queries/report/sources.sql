-- Where the reported pairings and the measured melting points come from.
SELECT
    s.name,
    s.citation,
    s.doi,
    s.url,
    s.licence,
    (SELECT count(DISTINCT e.pairing_id) FROM ildb.pairing_evidence AS e WHERE e.source_id = s.id) AS n_pairings,
    (
        SELECT count(*) FROM ildb.measurement AS m
        WHERE m.source_id = s.id AND m.property = 'melting_point'
    ) AS n_melting_points
FROM ildb.source AS s
ORDER BY n_pairings DESC, s.name
