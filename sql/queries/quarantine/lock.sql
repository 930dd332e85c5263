-- Two decisions on one record at once: the second one waits, then sees the first.
SELECT id FROM ildb.quarantine
WHERE id = :id
FOR UPDATE
