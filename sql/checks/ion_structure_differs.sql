-- Ions whose searchable structure is of another formula than their row. Mend: ildb db rebuild-structures
SELECT
    i.id,
    i.smiles,
    i.formula,
    mol_formula(s.mol)::text AS structure_formula
FROM ildb.ion AS i
INNER JOIN ildb.ion_structure AS s ON i.id = s.ion_id
WHERE mol_formula(s.mol)::text <> i.formula
