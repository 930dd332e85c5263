-- How well melting points cover the known ionic liquids, by family of anion (told from the formula), and how far
-- independent reports differ.
WITH anion AS (
    SELECT
        id,
        CASE
            WHEN formula SIMILAR TO '(F|Cl|Br|I)-' THEN 'halide'
            WHEN formula SIMILAR TO '.*B[A-Z0-9+-].*' THEN 'borate'
            WHEN formula SIMILAR TO '.*P[A-Z0-9+-].*' THEN 'phosphorus'
            WHEN formula SIMILAR TO '.*F([0-9]|[A-Z]).*N.*S.*' THEN 'fluorinated sulfonylamide'
            WHEN formula SIMILAR TO '.*S[A-Z0-9+-].*' OR formula LIKE '%S-' THEN 'sulfur'
            WHEN formula SIMILAR TO 'C[0-9]*N[0-9]*-' THEN 'cyano'
            WHEN formula SIMILAR TO 'C[0-9]*(H[0-9]*)?(Br[0-9]*|Cl[0-9]*|F[0-9]*)?(N[0-9]*)?O[0-9]*-[0-9]*' THEN 'carboxylate or alcoholate'
            ELSE 'other'
        END AS family
    FROM ion
    WHERE charge < 0
)

SELECT
    a.family,
    count(*) AS n_known,
    count(k.tm_k) AS n_measured,
    count(k.tm_k) / count(*) AS share_measured,
    count(*) FILTER (WHERE k.n_tm > 1) AS n_measured_twice,
    median(k.tm_k) AS median_tm_k,
    avg((k.tm_k < 373.15)::INT) AS share_below_373_k,
    median(k.tm_spread_k) FILTER (WHERE k.n_tm > 1) AS median_spread_k
FROM known_il AS k
INNER JOIN anion AS a ON k.anion_id = a.id
GROUP BY a.family
ORDER BY n_known DESC, a.family ASC
