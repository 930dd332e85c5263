-- A digest of the ions of each range of ids: what a library of them is made of.
SELECT
    id / :ids_per_part AS part,
    md5(string_agg(id || ' ' || smiles, E'\n' ORDER BY id)) AS digest
FROM ildb.ion
GROUP BY part
ORDER BY part
