-- A source is its name and content; what is known about it may be filled in later, never overwritten.
INSERT INTO ildb.source AS s (name, sha256, citation, doi, url, licence, retrieved_at)
VALUES (:name, :sha256, :citation, :doi, :url, :licence, :retrieved_at)
ON CONFLICT (name, sha256) DO UPDATE
    SET
        citation = coalesce(s.citation, excluded.citation),
        doi = coalesce(s.doi, excluded.doi),
        url = coalesce(s.url, excluded.url),
        licence = coalesce(s.licence, excluded.licence)
RETURNING id
