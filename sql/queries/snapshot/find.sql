SELECT id FROM ildb.dataset_snapshot WHERE kind = :kind AND sha256 = :sha256
