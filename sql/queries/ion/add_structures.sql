-- Structures of the ions :ion_ids (NULL for all) that have none. An older cartridge refuses a few hypervalent metal
-- complexes that Python's RDKit accepts; mol_from_smiles gives NULL for them, and ion/flag_structures says so on the ion.
INSERT INTO ildb.ion_structure (ion_id, mol, mfp2)
SELECT id, mol, public.morganbv_fp(mol, 2)
FROM (
    SELECT i.id, public.mol_from_smiles(i.smiles::cstring) AS mol
    FROM ildb.ion AS i
    WHERE
        (cast(:ion_ids AS bigint []) IS NULL OR i.id = any(cast(:ion_ids AS bigint [])))
        AND NOT EXISTS (SELECT FROM ildb.ion_structure AS s WHERE s.ion_id = i.id)
        AND NOT 'no_structure' = any(i.flags)
    OFFSET 0 -- parse each once
) AS parsed
WHERE mol IS NOT NULL
