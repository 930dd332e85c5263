-- Ids of the ions that contain a pattern. :smarts must be cheap (ildb.search.patterns).
SELECT s.ion_id
FROM ildb.ion_structure AS s
WHERE s.mol @> qmol_from_smarts(cast(:smarts AS cstring))
ORDER BY s.ion_id
