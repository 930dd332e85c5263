"""The tables, one file per noun."""

from ildb.db.models.attempt import TaskAttempt, Worker
from ildb.db.models.audit import AuditEvent
from ildb.db.models.base import SCHEMA, Base
from ildb.db.models.generated import GeneratedMolecule
from ildb.db.models.ion import Ion, IonAlias, IonStructure
from ildb.db.models.ion_property import IonProperty
from ildb.db.models.md_ladder import MdMeltingPoint, MdPoint, MdSimulation
from ildb.db.models.md_parameters import MdParameters
from ildb.db.models.measurement import Measurement
from ildb.db.models.model import Model
from ildb.db.models.pairing import Pairing, PairingEvidence
from ildb.db.models.property_score import PropertyScore
from ildb.db.models.quarantine import Quarantine
from ildb.db.models.run import Artifact, Run, StageRun, Task
from ildb.db.models.score import LinkScore, MeltingScore, ScreeningDecision
from ildb.db.models.snapshot import DatasetSnapshot, SnapshotRow
from ildb.db.models.source import Ingest, IngestBatch, Source

__all__ = [
    "SCHEMA",
    "Artifact",
    "AuditEvent",
    "Base",
    "DatasetSnapshot",
    "GeneratedMolecule",
    "Ingest",
    "IngestBatch",
    "Ion",
    "IonAlias",
    "IonProperty",
    "IonStructure",
    "LinkScore",
    "MdMeltingPoint",
    "MdParameters",
    "MdPoint",
    "MdSimulation",
    "Measurement",
    "MeltingScore",
    "Model",
    "Pairing",
    "PairingEvidence",
    "PropertyScore",
    "Quarantine",
    "Run",
    "ScreeningDecision",
    "SnapshotRow",
    "Source",
    "StageRun",
    "Task",
    "TaskAttempt",
    "Worker",
]
