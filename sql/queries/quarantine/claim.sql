-- The decision follows in the same transaction, once the corrected record is in.
UPDATE ildb.quarantine
SET status = 'accepted'
WHERE id = :id
