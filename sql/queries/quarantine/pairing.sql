-- The pairing of two ions, by InChIKey.
SELECT p.id
FROM ildb.pairing AS p
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE c.inchikey = :cation AND a.inchikey = :anion
