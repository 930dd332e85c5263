TRUNCATE ildb.ion_structure
