-- Sign of the charge of the ions meant; 0 for both.
CREATE FUNCTION ildb.sign_of_side(side text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF side IS NULL OR side NOT IN ('cation', 'anion', 'either') THEN
        RAISE invalid_parameter_value USING MESSAGE = format('side is %L; it must be cation, anion or either', side);
    END IF;
    RETURN CASE side WHEN 'cation' THEN 1 WHEN 'anion' THEN -1 ELSE 0 END;
END
$$
