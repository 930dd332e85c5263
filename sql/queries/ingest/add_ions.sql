-- Ids of the ions of a batch, the new ones of which are added in key order.
WITH batch AS (
    SELECT DISTINCT ON (inchikey) inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, flags, rdkit_version
    FROM pg_temp.stage_ion
    ORDER BY inchikey
),

known AS (
    SELECT b.inchikey, i.id
    FROM batch AS b
    CROSS JOIN LATERAL (
        -- One look into the index for each: a batch is small beside the table.
        SELECT id FROM ildb.ion WHERE inchikey = b.inchikey LIMIT 1
    ) AS i
),

added AS (
    INSERT INTO ildb.ion (inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, flags, rdkit_version)
    SELECT inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, flags, rdkit_version
    FROM batch
    WHERE inchikey NOT IN (SELECT inchikey FROM known)
    ORDER BY inchikey
    RETURNING inchikey, id
)

SELECT inchikey, id, false AS is_new FROM known
UNION ALL
SELECT inchikey, id, true AS is_new FROM added
