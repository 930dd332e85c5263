-- Every file some row refers to.
SELECT DISTINCT sha256 FROM ildb.artifact
