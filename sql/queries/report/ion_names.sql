-- One name for each of the given ions: the one that most sources use, then the shortest.
SELECT DISTINCT ON (ion_id)
    ion_id,
    value AS name
FROM (
    SELECT
        y.ion_id,
        y.value,
        count(*) AS n_sources
    FROM ildb.ion_alias AS y
    WHERE y.ion_id = any(cast(:ids AS bigint [])) AND y.kind = 'name'
    GROUP BY y.ion_id, y.value
) AS named
ORDER BY ion_id ASC, n_sources DESC, length(value) ASC, value ASC
