-- Which of some ions have parameters, or a refusal, by one method.
SELECT
    id,
    ion_id,
    grade,
    backend,
    refusal
FROM ildb.md_parameters
WHERE ion_id = ANY(CAST(:ids AS bigint [])) AND method_key = :method_key
ORDER BY ion_id
