-- Ions most similar to a structure by Tanimoto on Morgan fingerprints (radius 2, 512 bits), best first.
-- The operator % uses the GiST index. It reads its threshold from a setting, which is put back.
-- The spelling matters to the fingerprint: give the SMILES that ildb shows, for resonance forms differ.
-- threshold 0 asks for the nearest, whatever their similarity.
-- It runs as its owner, for a reader cannot name the cartridge's types and operators.
CREATE FUNCTION ildb.similar_ions(
    smiles text, side text DEFAULT 'either', threshold double precision DEFAULT 0.5, top integer DEFAULT 20
)
RETURNS TABLE (ion_id bigint, ion_smiles text, charge smallint, formula text, similarity double precision)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted public.bfp := public.morganbv_fp(ildb.checked_smiles(smiles), 2);
    wanted_sign integer := ildb.sign_of_side(side);
    threshold_before text := coalesce(current_setting('rdkit.tanimoto_threshold', true), '0.5');
BEGIN
    IF threshold IS NULL OR threshold < 0 OR threshold > 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('threshold is %s; it must be in [0, 1]', threshold);
    ELSIF top IS NULL OR top < 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('top is %s; it must be at least 1', top);
    END IF;
    IF threshold = 0 THEN
        RETURN QUERY
        SELECT
            i.id,
            i.smiles,
            i.charge,
            i.formula,
            public.tanimoto_sml(s.mfp2, wanted)
        FROM ildb.ion_structure AS s
        INNER JOIN ildb.ion AS i ON s.ion_id = i.id
        WHERE wanted_sign IN (0, sign(i.charge))
        ORDER BY s.mfp2 OPERATOR(public.<%>) wanted
        LIMIT top;
        RETURN;
    END IF;
    PERFORM set_config('rdkit.tanimoto_threshold', threshold::text, true);
    RETURN QUERY
    SELECT
        i.id,
        i.smiles,
        i.charge,
        i.formula,
        public.tanimoto_sml(s.mfp2, wanted)
    FROM ildb.ion_structure AS s
    INNER JOIN ildb.ion AS i ON s.ion_id = i.id
    WHERE s.mfp2 OPERATOR(public.%) wanted AND wanted_sign IN (0, sign(i.charge))
    ORDER BY s.mfp2 OPERATOR(public.<%>) wanted, i.id
    LIMIT top;
    PERFORM set_config('rdkit.tanimoto_threshold', threshold_before, true);
END
$$
