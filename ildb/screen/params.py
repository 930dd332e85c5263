"""What a screen asks of a candidate, as declared in a recipe."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

AlertCatalog = Literal[
    "BRENK", "NIH", "PAINS", "ZINC", "CHEMBL_BMS", "CHEMBL_Dundee", "CHEMBL_Glaxo", "CHEMBL_LINT", "CHEMBL_MLSMR"
]
Objective = Literal["link_probability", "p_below_373_k", "tm_k", "sa_score"]

ORDINARY_ALERTS: Final = (
    "bad_boron", "boron_warhead", "four_nitriles", "gte_10_carbon_sb_chain", "gte_2_N_quats", "gte_8_CF2_or_CH2",
    "halogen_heteroatom", "non_ring_CH2O_acetal", "phosphonium", "primary_halide_sulfate", "quat_N_N",
    "secondary_halide_sulfate", "sulfonium", "trifluoroacetate_ester", "triflate",
)  # fmt: skip
"""Entries of NIH that are ordinary in ionic liquids: BF4, PF6, long chains, phosphonium, alkyl sulfates and the like.

Of 324 ILThermo pairings with a measured melting point the catalogs hit 99 % (BRENK, which forbids quaternary nitrogen),
50 % (NIH) and 4 % (PAINS, which is about assays). NIH without these entries hits 5 %: azides, metals, sulfonyl halides.
"""


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
    max_sa_score: float | None = Field(
        default=6.0, ge=1, le=10, description="synthetic accessibility, 1 easy to 10 hard, of ions in no known IL"
    )
    alert_catalogs: tuple[AlertCatalog, ...] = Field(
        default=("NIH",), description="RDKit filter catalogs no ion may match"
    )
    ignored_alerts: tuple[str, ...] = Field(
        default=ORDINARY_ALERTS, description="entries of those catalogs to overlook"
    )
    max_per_cation: int | None = Field(default=None, ge=1, description="candidates passed with one cation")
    max_per_anion: int | None = Field(default=None, ge=1, description="candidates passed with one anion")
    top: int | None = Field(default=None, ge=1, description="candidates passed in all")
    link_weight: float = Field(default=0.5, ge=0, le=1, description="weight of the link probability in the score")
    pareto: tuple[Objective, ...] = Field(
        default=("link_probability", "p_below_373_k", "tm_k", "sa_score"),
        min_length=1,
        description="what the Pareto rank weighs: high probabilities, low temperature and score",
    )
    pick: int | None = Field(default=100, ge=1, description="budget of the diverse pick among the passed")
    pick_max_similarity: float = Field(
        default=0.6,
        gt=0,
        le=1,
        description="of two picked: Tanimoto of their cations times that of their anions; relaxed to fill the budget",
    )
    pick_per_core: int | None = Field(default=10, ge=1, description="picked with one ring system or centre of cation")
    pick_per_anion: int | None = Field(default=10, ge=1, description="picked with one anion")
