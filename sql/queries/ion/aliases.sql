-- Other spellings and names of an ion, with how many sources or runs use each.
SELECT
    y.kind,
    y.value,
    array_agg(DISTINCT coalesce(s.name, 'run ' || y.run_id) ORDER BY coalesce(s.name, 'run ' || y.run_id)) AS origins
FROM ildb.ion_alias AS y
LEFT JOIN ildb.source AS s ON y.source_id = s.id
WHERE y.ion_id = :ion_id
GROUP BY y.kind, y.value
ORDER BY y.kind, y.value
