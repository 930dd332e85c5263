-- A pattern for the operator @>, or an error. The cartridge answers NULL for what it cannot read, which would look like
-- "no hits", and nothing interrupts it on a pattern that takes it minutes: hence the limits of ildb.chem.parse.
CREATE FUNCTION ildb.checked_smarts(smarts text) RETURNS public.qmol
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500
AS $$
DECLARE
    pattern public.qmol;
    n_atoms integer;
BEGIN
    IF coalesce(smarts, '') !~ '\S' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS is empty';
    ELSIF smarts ~ '\s' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS has white space in it';
    ELSIF length(smarts) > 400 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the SMARTS has %s characters; the limit is 400', length(smarts));
    ELSIF length(smarts) - length(replace(smarts, '.', '')) > 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS has more than 2 fragments';
    ELSIF (length(smarts) - length(replace(smarts, '$(', ''))) / 2 > 6 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS has more than 6 recursive parts $(...)';
    END IF;
    SELECT count(*) INTO n_atoms FROM regexp_matches(smarts, '\[|Cl|Br|[BCNOPSFIbcnops*](?![^\[]*\])', 'g');
    IF n_atoms > 100 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('the SMARTS has %s atoms; the limit is 100', n_atoms);
    END IF;
    pattern := public.qmol_from_smarts(smarts::cstring);
    IF pattern IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('the server cannot read the SMARTS %L', left(smarts, 60));
    END IF;
    RETURN pattern;
END
$$
