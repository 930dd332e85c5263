UPDATE ildb.run SET heartbeat_at = clock_timestamp() WHERE id = :run_id
