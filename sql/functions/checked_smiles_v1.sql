-- One ion or molecule from SMILES, or an error; see checked_smarts.
CREATE FUNCTION ildb.checked_smiles(smiles text) RETURNS public.mol
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500
AS $$
DECLARE
    molecule public.mol;
BEGIN
    IF coalesce(smiles, '') !~ '\S' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMILES is empty';
    ELSIF smiles ~ '\s' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMILES has white space in it';
    ELSIF length(smiles) > 1000 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the SMILES has %s characters; the limit is 1000', length(smiles));
    ELSIF smiles LIKE '%.%' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMILES has several fragments: give one ion';
    END IF;
    molecule := public.mol_from_smiles(smiles::cstring);
    IF molecule IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('the server cannot read the SMILES %L', left(smiles, 60));
    END IF;
    RETURN molecule;
END
$$
