-- Known pairings that a source gives a name with all of some words, the shortest name first.
SELECT
    n.name,
    k.pairing_id,
    k.cation_smiles,
    k.anion_smiles,
    k.tm_k,
    k.sources
FROM (
    SELECT
        pairing_id,
        min(name COLLATE "C") AS name
    FROM ildb.pairing_evidence
    WHERE kind = 'known' AND name ILIKE ALL (cast(:words AS text []))
    GROUP BY pairing_id
    ORDER BY min(length(name)) ASC, min(name COLLATE "C") ASC, pairing_id ASC
    LIMIT :top
) AS n
CROSS JOIN LATERAL (SELECT * FROM ildb.known_il AS il WHERE il.pairing_id = n.pairing_id) AS k
ORDER BY length(n.name) ASC, n.name ASC, k.pairing_id ASC
