-- How many ions have thermodynamic properties of a version.
SELECT count(*) AS n_ions
FROM ildb.ion_property
WHERE version = :version
