-- What tells whether ions were added.
SELECT
    count(*) AS n_ions,
    max(id) AS last_id
FROM ildb.ion
