SELECT id FROM ildb.worker
WHERE host = :host AND pid = :pid AND started_at = :started_at AND device = :device
