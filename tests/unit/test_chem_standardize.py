from __future__ import annotations

import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ildb.chem.curation import RefusedError, resolve_salt
from ildb.chem.standardize import resolve_ion, split_salt
from ildb.errors import StructureError

EMIM = "CCn1cc[n+](C)c1"
EMIM_TWIN = "CC[n+]1ccn(C)c1"
DICATION = "C[n+]1ccn(CCCCn2cc[n+](C)c2)c1"


def refusal(structure: str | tuple[str, str], **options: bool) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        resolve_salt(structure, **options)
    return caught.value


@pytest.mark.parametrize(
    ("smiles", "counts", "notes"),
    [
        (f"{EMIM}.[Br-]", (1, 1), ()),
        (f"[Br-].{EMIM}", (1, 1), ()),
        (f"{DICATION}.[Br-].[Br-]", (1, 2), ()),
        (f"{EMIM}.{EMIM_TWIN}.O=S(=O)([O-])[O-]", (2, 1), ()),
        (f"{EMIM}.[Br-].{EMIM_TWIN}.[Br-]", (1, 1), ("reduced",)),
        (f"{DICATION}.O=S(=O)([O-])[O-]", (1, 1), ()),
        ("[Al+3].[Al+3].O=C([O-])[O-].O=C([O-])[O-].O=C([O-])[O-]", (2, 3), ()),
    ],
)
def test_a_salt_is_split_and_counted(smiles: str, counts: tuple[int, int], notes: tuple[str, ...]) -> None:
    salt = split_salt(smiles)
    assert (salt.n_cation, salt.n_anion) == counts
    assert salt.notes == notes
    assert salt.cation.charge > 0 > salt.anion.charge
    assert salt.n_cation * salt.cation.charge + salt.n_anion * salt.anion.charge == 0


def test_every_order_and_twin_gives_the_same_salt() -> None:
    parts = [EMIM, EMIM_TWIN, "O=S(=O)([O-])[O-]"]
    salts = {split_salt(".".join(order)) for order in itertools.permutations(parts)}
    assert len(salts) == 1


@pytest.mark.parametrize(
    ("smiles", "code"),
    [
        ("CCO", "neutral_molecule"),
        ("C[N+](=O)[O-]", "neutral_molecule"),
        ("[NH3+]CC(=O)[O-]", "zwitterion"),
        ("CCn1cc[n+](CCCS(=O)(=O)[O-])c1", "zwitterion"),
        (EMIM, "counter_ion_missing"),
        ("[Cl-]", "counter_ion_missing"),
        (f"{EMIM}.[Br-].O", "neutral_part"),
        (f"{EMIM}.CC(=O)O", "neutral_part"),
        (f"{EMIM}.[Br-].[Cl-]", "too_many_ions"),
        (f"{EMIM}.{EMIM_TWIN}", "no_anion"),
        (f"{EMIM}.[Na+]", "no_anion"),
        ("[Br-].[Cl-]", "no_cation"),
        (f"{DICATION}.[Br-]", "not_neutral"),
        (f"{EMIM}.[Br-].[Br-]", "not_neutral"),
        ("", "empty"),
        (f"{EMIM}.", "syntax"),
        (f"{EMIM}..[Br-]", "syntax"),
        ("C[N+].[Br-]", "radical"),
        ("CC(C)(C)(C)C.[Br-]", "valence"),
    ],
)
def test_what_is_no_pairing_is_refused(smiles: str, code: str) -> None:
    error = refusal(smiles)
    assert code in error.codes
    assert error.hint
    assert isinstance(error, StructureError)


def test_stoichiometry_is_derived_only_when_asked_and_noted() -> None:
    error = refusal(f"{DICATION}.[Br-]")
    (finding,) = error.findings
    assert finding.suggestion is not None
    assert split_salt(finding.suggestion).n_anion == 2
    salt = split_salt(f"{DICATION}.[Br-]", derive_stoichiometry=True)
    assert (salt.n_cation, salt.n_anion, salt.notes) == (1, 2, ("stoichiometry_derived",))
    assert split_salt(f"{EMIM}.[Br-]", derive_stoichiometry=True).notes == ()


def test_ring_bonds_across_a_dot_are_one_molecule() -> None:
    # C1.C1 is ethane written in two parts.
    assert refusal("C1.C1").codes == ("neutral_molecule",)
    assert split_salt("C[N+](C)(C)C1.C1.[Br-]").cation == split_salt("C[N+](C)(C)CC.[Br-]").cation


def test_ions_given_apart_are_balanced_and_ordered() -> None:
    pair = resolve_salt((DICATION, "[Br-]"))
    assert (pair.n_cation, pair.n_anion, pair.notes) == (1, 2, ())
    swapped = resolve_salt(("[Br-]", DICATION))
    assert (swapped.cation, swapped.anion, swapped.notes) == (pair.cation, pair.anion, ("ions_swapped",))


def test_all_reasons_of_both_ions_are_given() -> None:
    assert refusal(("CC[N+]", "CCO")).codes == ("radical", "charge_zero")
    assert refusal(("CC[N+]", "C(")).codes == ("radical", "syntax")


def test_two_ions_of_one_sign_are_refused() -> None:
    assert refusal((EMIM, "[Na+]")).codes == ("no_anion",)
    assert refusal(("[Cl-]", "[Br-]")).codes == ("no_cation",)


def test_metals_are_flagged_not_dropped() -> None:
    pair = resolve_salt("[Li+].[Br-]")
    assert {f.code for f in pair.flags} == {"metal", "inorganic_cation"}
    assert resolve_salt(f"{EMIM}.[Br-]").flags == ()


def test_results_and_refusals_travel_between_processes() -> None:
    pair = resolve_salt("[Li+].[Br-]")
    assert pickle.loads(pickle.dumps(pair)) == pair
    error = refusal("CC[N+].[Br-]")
    again = pickle.loads(pickle.dumps(error))
    assert (again.findings, again.what, again.hint) == (error.findings, error.what, error.hint)


def test_a_refused_ion_is_refused_the_second_time_too() -> None:
    for _ in range(2):
        with pytest.raises(RefusedError, match="unpaired"):
            resolve_ion("CC[N+]")


def test_a_wrong_ion_beside_a_neutral_part_names_both() -> None:
    assert set(refusal("CC[N+].O.[Br-]").codes) == {"neutral_part", "radical"}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([EMIM, EMIM_TWIN, DICATION, "[Br-]", "O=S(=O)([O-])[O-]", "O", "[Li+]", "C1", "(", "CC[N+]"]),
        min_size=1,
        max_size=6,
    )
)
def test_any_mixture_is_neutral_and_in_lowest_terms_or_refused(parts: list[str]) -> None:
    try:
        pair = resolve_salt(".".join(parts), derive_stoichiometry=True)
    except RefusedError:
        return
    assert pair.n_cation * pair.cation.charge + pair.n_anion * pair.anion.charge == 0
    assert not all(n % 2 == 0 for n in (pair.n_cation, pair.n_anion))
    neutral = [pair.cation.smiles] * pair.n_cation + [pair.anion.smiles] * pair.n_anion
    again = resolve_salt(".".join(neutral))
    assert (again.cation, again.anion, again.n_cation, again.n_anion, again.notes) == (
        pair.cation,
        pair.anion,
        pair.n_cation,
        pair.n_anion,
        (),
    )
