-- The sign of every ion's charge.
SELECT
    id,
    sign(charge)::int AS sign
FROM ildb.ion
