"""ildb: ionic liquids in one PostgreSQL + RDKit database, with the origin of every row."""

__version__ = "0.1.0"
