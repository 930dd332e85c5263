-- Structures of ions that have none. An older cartridge refuses a few hypervalent metal complexes that Python's
-- RDKit accepts; mol_from_smiles gives NULL for them, and ion/flag_structures says so on the ion.
INSERT INTO ildb.ion_structure (ion_id, mol, mfp2)
SELECT id, mol, public.morganbv_fp(mol, 2)
FROM (
    SELECT i.id, public.mol_from_smiles(i.smiles::cstring) AS mol
    FROM ildb.ion AS i
    LEFT JOIN ildb.ion_structure AS s ON i.id = s.ion_id
    WHERE s.ion_id IS NULL AND NOT 'no_structure' = any(i.flags)
    OFFSET 0 -- parse each once
) AS parsed
WHERE mol IS NOT NULL
