-- Ions that contain a SMARTS pattern, through the GiST index. One plain SELECT, so that the planner sees through it; its
-- names are resolved now, so that a reader who cannot name the cartridge's operators may still call it.
CREATE FUNCTION ildb.find_ions(smarts text, side text DEFAULT 'either')
RETURNS TABLE (ion_id bigint, smiles text, charge smallint, formula text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        i.id,
        i.smiles,
        i.charge,
        i.formula
    FROM ildb.ion_structure AS s
    INNER JOIN ildb.ion AS i ON s.ion_id = i.id
    WHERE
        s.mol OPERATOR(public.@>) ildb.checked_smarts(find_ions.smarts)
        AND ildb.sign_of_side(find_ions.side) IN (0, sign(i.charge));
END
