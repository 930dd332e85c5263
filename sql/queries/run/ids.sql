SELECT id FROM ildb.run
