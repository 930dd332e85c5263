INSERT INTO ildb.worker (host, pid, started_at, device, versions)
VALUES (:host, :pid, :started_at, :device, :versions)
ON CONFLICT (host, pid, started_at, device) DO NOTHING
