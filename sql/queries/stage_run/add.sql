INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs)
VALUES (:run_id, :position, :name, :uses, :version, :params, :needs)
