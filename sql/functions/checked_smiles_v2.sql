-- One ion or molecule from SMILES, or an error; see checked_smarts. 500 characters take the cartridge 0.1 s at most.
CREATE FUNCTION ildb.checked_smiles(smiles text) RETURNS public.mol
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    molecule public.mol;
BEGIN
    IF coalesce(smiles, '') !~ '\S' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMILES is empty';
    ELSIF smiles ~ '\s' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMILES has white space in it';
    ELSIF length(smiles) > 500 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the SMILES has %s characters; the limit is 500', length(smiles));
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
