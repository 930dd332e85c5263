-- The newest ion, and whether a text is how some ion is spelled here.
SELECT
    (SELECT max(id) FROM ildb.ion) AS last_id,
    EXISTS (SELECT FROM ildb.ion WHERE md5(smiles) = md5(:smiles) AND smiles = :smiles) AS is_spelling
