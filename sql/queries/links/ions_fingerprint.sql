-- Hash of all ions and their flags, whatever their ids.
SELECT
    encode(
        sha256(coalesce(string_agg(concat_ws('|', inchikey, smiles, flags::text), ';' ORDER BY inchikey), '')::bytea),
        'hex'
    ) AS sha256
FROM ildb.ion
