-- What a list shows of the given ions, in the given order; the name is the first by the alphabet.
SELECT
    i.id,
    i.smiles,
    i.charge,
    i.formula,
    (
        SELECT min(y.value)
        FROM ildb.ion_alias AS y
        WHERE y.ion_id = i.id AND y.kind = 'name'
    ) AS name
FROM unnest(cast(:ion_ids AS bigint[])) WITH ORDINALITY AS page (ion_id, position)
INNER JOIN ildb.ion AS i ON page.ion_id = i.id
ORDER BY page.position
