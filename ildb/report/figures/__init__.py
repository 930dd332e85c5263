"""One figure each: rows in, a `ildb.report.section.Section` out."""
