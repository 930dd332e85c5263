SELECT * FROM ildb.run WHERE id = :run_id
