-- Names of sources, for a choice.
SELECT DISTINCT name
FROM ildb.source
ORDER BY name
