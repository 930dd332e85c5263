-- A pattern for the operator @>, or an error. The cartridge answers NULL for what it cannot read, which would look like
-- "no hits", and nothing interrupts it within one ion: hence the limits, those of ildb.search.patterns. Larger patterns
-- are matched by `ildb search substructure`, in a process that can be killed.
-- It runs as its owner, for a reader cannot name the cartridge's types.
CREATE FUNCTION ildb.checked_smarts(smarts text) RETURNS public.qmol
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pattern public.qmol;
    -- Every bracket atom, atom, dot, and opening and closing parenthesis, in order.
    token text;
    n_bodies integer := 0;
    -- Atoms and dots of the pattern and of the recursive parts that are open; what each parenthesis opened.
    atoms integer[] := '{0}';
    dots integer[] := '{0}';
    opened text[] := '{}';
    inside boolean := FALSE;
    larger CONSTANT text := 'Match such a pattern with: ildb search substructure';
BEGIN
    IF coalesce(smarts, '') !~ '\S' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS is empty';
    ELSIF smarts ~ '\s' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS has white space in it';
    ELSIF length(smarts) > 400 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the SMARTS has %s characters; the limit is 400', length(smarts)), HINT = larger;
    END IF;
    FOR token IN SELECT m[1] FROM regexp_matches(smarts, '(\$\(|[][().]|Cl|Br|[A-Za-z*])', 'g') AS m LOOP
        IF token = '$(' THEN
            opened := opened || token;
            n_bodies := n_bodies + 1;
            atoms := atoms || 0;
            dots := dots || 0;
            inside := FALSE;
            IF cardinality(atoms) > 3 OR n_bodies > 6 THEN
                RAISE invalid_parameter_value USING
                    MESSAGE = 'the SMARTS has more than 6 recursive parts $(...), or nests them deeper than 2', HINT = larger;
            END IF;
        ELSIF token = '[' AND NOT inside THEN
            opened := opened || token;
            atoms[cardinality(atoms)] := atoms[cardinality(atoms)] + 1;
            inside := TRUE;
        ELSIF token = ']' AND inside THEN
            opened := trim_array(opened, 1);
            inside := (opened[cardinality(opened)] = '[') IS TRUE;
        ELSIF token = '(' AND NOT inside THEN
            opened := opened || token;
        ELSIF token = ')' AND NOT inside AND cardinality(opened) > 0 THEN
            IF opened[cardinality(opened)] = '$(' THEN
                -- The dots of a part that is closed are judged with its atoms below.
                IF dots[cardinality(dots)] > 1 OR (dots[cardinality(dots)] = 1 AND atoms[cardinality(atoms)] > 6) THEN
                    RAISE invalid_parameter_value USING
                        MESSAGE = 'the SMARTS has more than 2 fragments, or 2 with more than 6 atoms', HINT = larger;
                END IF;
                atoms := trim_array(atoms, 1);
                dots := trim_array(dots, 1);
            END IF;
            opened := trim_array(opened, 1);
            inside := (opened[cardinality(opened)] = '[') IS TRUE;
        ELSIF token = '.' AND NOT inside THEN
            dots[cardinality(dots)] := dots[cardinality(dots)] + 1;
        ELSIF token ~ '[A-Za-z*]' AND NOT inside THEN
            atoms[cardinality(atoms)] := atoms[cardinality(atoms)] + 1;
        END IF;
        IF atoms[cardinality(atoms)] > 16 THEN
            RAISE invalid_parameter_value USING MESSAGE = 'the SMARTS has more than 16 atoms', HINT = larger;
        END IF;
    END LOOP;
    IF dots[1] > 1 OR (dots[1] = 1 AND atoms[1] > 6) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'the SMARTS has more than 2 fragments, or 2 with more than 6 atoms', HINT = larger;
    END IF;
    pattern := public.qmol_from_smarts(smarts::cstring);
    IF pattern IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('the server cannot read the SMARTS %L', left(smarts, 60));
    END IF;
    RETURN pattern;
END
$$
