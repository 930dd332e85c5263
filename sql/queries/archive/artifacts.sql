-- The files that runs made; two runs that made the same one share it.
SELECT
    sha256,
    max(n_bytes) AS n_bytes
FROM ildb.artifact
GROUP BY sha256
ORDER BY sha256
