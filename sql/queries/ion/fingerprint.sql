-- Which ions there are: they are added only, and never change.
SELECT concat(count(*), ' ', max(id)) AS fingerprint
FROM ildb.ion
