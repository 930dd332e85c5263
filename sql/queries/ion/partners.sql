-- Ids of an ion's pairings, known ones first, at most :top.
SELECT p.id
FROM ildb.pairing AS p
WHERE :ion_id IN (p.cation_id, p.anion_id)
ORDER BY
    EXISTS (
        SELECT FROM ildb.pairing_evidence AS ev
        WHERE ev.pairing_id = p.id AND ev.kind = 'known'
    ) DESC,
    p.id ASC
LIMIT :top
