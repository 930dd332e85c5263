"""Groups that fall apart, react with themselves, or that no ionic liquid has; SMARTS with their names.

Written for ions: what is ordinary here (quaternary nitrogen, fluoroborates, cyanamides, sulfonyl fluorides of FSI) is
left alone. Most known ions pass all of them (docs/generation.md has the share).
"""

from __future__ import annotations

from typing import Final

from rdkit import Chem

_WITHDRAWING: Final = "$([#6]#N),$([#6]=[O,S]),$([SX4]=O),$([N+](=O)[O-]),$(N=O),$(P=O)"
_SMARTS: Final = {
    # Loses halide or water at once.
    "alpha_halo_alkoxide": "[OX1-][CX4][F,Cl,Br,I]",
    "alpha_halo_alcohol": "[OX2H][CX4][F,Cl,Br,I]",
    "alpha_halo_amine": "[NX3;!$(N-[C,S,P]=[O,S,N]);!$(N-[a,$(C=C)])][CX4;!$(C(F)(F)F)][F,Cl,Br,I]",
    "alpha_halo_ether": "[OX2,SX2][CX4;!$(C(F))][Cl,Br,I]",
    "alpha_halo_onium": "[N+;X4][CX4][Cl,Br,I]",
    "alpha_hetero_alkoxide": "[OX1-][CX4;!R][OX2,NX3,SX2]",
    "geminal_diol": "[OX2H][CX4;!$(C(C(F)(F)F))][OX2H]",
    "hemiacetal": "[OX2H][CX4;!R][OX2,SX2][#6]",
    "hemiaminal": "[OX2H][CX4;!$(C(F))][NX3;!$(N-[C,S,P]=[O,S,N]);!$(N-a)]",
    "thiol_acetal": "[SX2H][CX4][OX2,NX3;!$(N-C=O)]",
    "geminal_amine": "[NX3;H2,H1;!$(N-[C,S,P]=[O,S,N]);!$(N-a)][CX4;!R][NX3,OX2;!$(N-[C,S,P]=[O,S,N]);!$(N-a)]",
    "alpha_amino_onium": "[NX3;H1,H2;!$(N-[C,S,P]=[O,S,N])][CX4][N+;X4]",
    # Loses carbon dioxide or monoxide.
    "beta_keto_acid": "[#6,#1][CX3](=O)[CX4,CX3-][CX3](=O)[OX2H,OX1-]",
    "beta_formyl_acid": "[CX3H](=O)[CX4][CX3](=O)[OX2H,OX1-]",
    "alpha_keto_acid_halide": "[CX3](=O)[CX3](=O)[F,Cl,Br,I]",
    "carbonic_acid": "[OX2H][CX3](=[O,S])[OX2,SX2,NX3;!$([OX2H])]",
    "thiocarbonate_ion": "[SX2][CX3](=O)[OX1-]",
    "thiocarbonic_ion": "[OX2,NX3][CX3](=O)[SX1-]",
    "alpha_nitro_acid": "[N+](=O)([O-])[CX4][CX3](=O)[OX2H,OX1-]",
    "formyl_acid": "[CX3H](=O)[CX3](=O)[OX1-]",
    "acyl_carbamate": "[#6](=O)[NX3][CX3](=O)[OX2H,OX1-]",
    # Reacts with water, amines or itself.
    "acyl_halide": "[CX3](=[O,S,N])[F,Cl,Br,I]",
    "sulfonyl_halide": "[SX4](=O)(=O)[Cl,Br,I]",
    "sulfinyl_halide": "[SX3](=O)[F,Cl,Br,I]",
    "anhydride": "[CX3](=O)[OX2][CX3,SX4,PX4]=O",
    "isocyanate": "[#6]N=C=O",
    "ketene": "[#6]=C=[O,S]",
    "carbodiimide": "[#6]N=C=N[#6]",
    "diazo": "[#6]=[N+]=[N-]",
    "diazonium": "[#6,#7][N+]#N",
    "azide_group": "[#6,#16]N=[N+]=[N-]",
    "thioaldehyde": "[CX3H]=[SX1]",
    "thioketone": "[#6;!a][CX3](=[SX1])[#6;!a]",
    "selenium_double": "[#6]=[Se]",
    "primary_imine": "[CX3;!$(C[#7,#8,#16])]=[NX2H]",
    "nitroso": "[CX4][NX2]=O",
    "amine_and_aldehyde": "[NX3H2;!$(N-[C,S,P]=[O,S,N]);!$(N-a)].[CX3H1](=O)[#6]",
    "amine_and_alkyl_halide": "[NX3;H1,H2;!$(N-[C,S,P]=[O,S,N]);!$(N-a)].[CX4;H2][Br,I]",
    "thiolate_and_alkyl_halide": "[SX1-].[CX4;H2][Cl,Br,I]",
    "alkoxide_and_alkyl_halide": "[OX1-][CX4].[CX4;H2][Cl,Br,I]",
    "alkoxide_and_acid": "[OX1-][CX4;!$(C(C(F)(F)F)C(F)(F)F)].[CX3](=O)[OX2H,F,Cl]",
    # A weak base drawn with the charge although a stronger acid is there.
    "alkoxide": "[OX1-][CX4;!$(C(C(F)(F)F));!$([CH3]);!$([CH2][CH3]);!$(C([CH3])([CH3])[CH3]);!$([CH]([CH3])[CH3])]",
    # Weak bonds.
    "peroxide": "[OX2,OX1-][OX2]",
    "trisulfide": "[SX2][SX2][SX2]",
    "triazane": "[NX3;!$(N-a);!$(N-[C,S]=O)]-[NX3]-[NX3]",
    "tetrazene": "[NX3]N=N[NX3]",
    "hydroxylamine_ether_chain": "[OX2][NX3][OX2]",
    "nitrogen_halogen": "[#7]-[F,Cl,Br,I;X1]",
    "oxygen_halogen": "[OX2]-[F,Cl,Br,I;X1]",
    "sulfur_halogen": "[SX2]-[F,Cl,Br,I]",
    "phosphorus_halogen": "[P;X3,X4;!-]-[Cl,Br,I]",
    "silicon_halogen": "[Si]-[Cl,Br,I]",
    "oxygen_oxygen_nitrogen": "[OX2][OX2,NX3;!R][OX2]",
    "sulfenamide_chain": "[SX2]-[NX3]-[SX2]",
    "quaternary_nitrogen_hetero": "[N+;X4]-[OX2;!$([OX2H]);!$([OX2]-[#6]),SX2,F,Cl,Br,I,PX3]",
    "gem_polyhalide": "[CX4]([Br,I])([Br,I])",
    # Unsaturation where it cannot be.
    "enol": "[OX2H][CX3;!R]=[CX3;!$(C-C=O);!$(C-C#N);!$(C-S=O);!$(C-[N+](=O))]",
    "thioenol": "[SX2H][CX3;!R]=[CX3]",
    "primary_enamine": "[NX3H2][CX3;!R;!$(C=[N+]);!$(C-[#7]);!$(C-[O,S])]=[CX3;!$(C-C=O);!$(C-C#N);!$(C-[N+])]",
    "allene": "[#6,#7]=[CX2]=[#6]",
    "hetero_alkyne": "[NX3,OX2,SX2;!$(S-C#N);!$(O-C#N);!$(N-C#N)]C#[CX2]",
    "cyanate_ester": "[#6;!a][OX2]C#N",
    "halo_alkyne": "C#C[F,Cl,Br,I]",
    "ketene_acetal": "[OX2H,SX2H,OX1-,SX1-][CX3;!R](=[#6;!a])[O,S,N]",
    "sulfur_ylide": "[SX3;+0]=[#6]",
    "small_ring_double_bond": "[#6;!+;!a]1=[#6,#7;!a][#6,#7,#8,#16]1",
    "small_ring_on_aromatic": "a1aA1",
    "fulminate": "[#6]#[N+][O-]",
    # Charges where they cannot stay.
    "carbocation": "[#6+;!$([#6+]~[#7,#8,#16])]",
    "acyl_cation": "[CX2+]",
    "oxonium": "[O+;!a]",
    "sulfoxonium_hetero": "[S+;X3][OX2,NX3;H1,H2]",
    "nitrenium": "[N+;X2;!$([N+]=*);!$([N+]#*);!a]",
    "nitrilium": "[#6]#[NX2+][#6]",
    "carbanion": f"[C-;!$([C-]#[N,C]);!$([C-](~[{_WITHDRAWING}])~[{_WITHDRAWING}])]",
    "aryl_anion": "[c-;!r5]",
    "amide_ion": f"[N-;!a;!$(N(~[*;{_WITHDRAWING}]));!$([N-]-[c,$(C=[N,O,S]),$([B-]),$(P=[N,O,S]),$(S=[O,N])]);"
    "!$([N-]=[N+]);!$([N-]C#N)]",
    "acyl_onium": "[N+,S+,P+;X4,X3][CX3;!$(C=[N+])]=[O,S]",
    "cyano_onium": "[N+,S+,P+;X4,X3]C#N",
    "sulfonyl_azolium": "n(-[SX4](=O)=O)(:[c,n]:[n+])",
    "phosphorus_hydride_ion": "[P;!H0;X2,X3;+0]-[O-,OH]",
    "neighbouring_charges": "[+;!$([+]~[-])]~[+;!$([+]~[-])]",
    "trivalent_boron_halide": "[BX3][F,Cl,Br,I,#1]",
    "hypervalent_halogen": "[Cl,Br,I;X2,X3;+0;!$(*=O)]",
    "sulfur_tetravalent": "[SX4;+0;!$(S=*)]",
    "phosphorane": "[PX5;+0]",
    # A string that would not end.
    "endless_chain": "[CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2]"
    "[CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2][CX4H2]",
    "ether_chain": "[OX2][CX4H2][OX2][CX4H2][OX2][CX4H2][OX2]",
}  # fmt: skip


def _patterns() -> dict[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(smarts) for name, smarts in _SMARTS.items()}


GROUPS: Final = _patterns()
"""Name -> pattern."""
