-- Every ion that may be paired: charged, without the flags that keep an ion out.
SELECT
    inchikey,
    smiles,
    charge
FROM ildb.ion
WHERE charge <> 0 AND NOT flags && cast(:leave_out AS text [])
ORDER BY inchikey
