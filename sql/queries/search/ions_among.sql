-- Which of the given ions contain a pattern; ion by ion (the function substruct uses no index).
-- :smarts must be cheap (ildb.search.patterns).
SELECT s.ion_id
FROM ildb.ion_structure AS s
WHERE
    s.ion_id = any(cast(:ion_ids AS bigint []))
    AND substruct(s.mol, qmol_from_smarts(cast(:smarts AS cstring)))
