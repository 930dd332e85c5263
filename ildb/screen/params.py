"""What a screen asks of a candidate, as declared in a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

AlertCatalog = Literal[
    "BRENK", "NIH", "PAINS", "ZINC", "CHEMBL_BMS", "CHEMBL_Dundee", "CHEMBL_Glaxo", "CHEMBL_LINT", "CHEMBL_MLSMR"
]


class ScreenParams(BaseModel):
    """Limits of a screen. A limit of None is not checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_link_probability: float | None = Field(
        default=0.5, ge=0, le=1, description="of predicted pairings; a known one has nothing to prove"
    )
    min_p_below_373: float | None = Field(default=0.5, ge=0, le=1, description="P(Tm < 373.15 K)")
    require_in_domain: bool = Field(default=True, description="the melting model must have seen something like it")
    max_heavy_atoms: int | None = Field(default=60, ge=1, description="of each ion")
    max_abs_charge: int | None = Field(default=2, ge=1, description="of each ion, in elementary charges")
    allowed_elements: tuple[str, ...] | None = Field(default=None, description="symbols; hydrogen is always allowed")
    alert_catalogs: tuple[AlertCatalog, ...] = Field(default=(), description="RDKit filter catalogs no ion may match")
    ignored_alerts: tuple[str, ...] = Field(
        default=(), description="entries of those catalogs to overlook, such as 'quaternary_nitrogen_2'"
    )
    max_per_cation: int | None = Field(default=None, ge=1, description="candidates passed with one cation")
    max_per_anion: int | None = Field(default=None, ge=1, description="candidates passed with one anion")
    top: int | None = Field(default=None, ge=1, description="candidates passed in all")
    link_weight: float = Field(default=0.5, ge=0, le=1, description="weight of the link probability in the score")
