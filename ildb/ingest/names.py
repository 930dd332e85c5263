"""Chemical names brought to one form, so that two spellings of one name meet.

Every rule rewrites a name into another name of the same substance; nothing is matched by likeness. Names that still
differ stay apart, and the caller treats a normal name that stands for two structures as ambiguous.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_TYPOGRAPHY: Final = str.maketrans(
    dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("‘’′`", "'")
    | dict.fromkeys("“”″", '"')
    | dict.fromkeys("[{", "(")
    | dict.fromkeys("]}", ")")
)

# Names of the same ion, written after the basic clean-up (lower case, round brackets, no spaces around brackets).
_ANION_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "bis((trifluoromethyl)sulfonyl)amide": (
        "bis((trifluoromethyl)sulfonyl)imide",
        "bis((trifluoromethyl)sulfonyl)azanide",
        "bis((trifluoromethane)sulfonyl)amide",
        "bis((trifluoromethane)sulfonyl)imide",
        "bis(trifluoromethylsulfonyl)amide",
        "bis(trifluoromethylsulfonyl)imide",
        "bis(trifluoromethylsulphonyl)imide",
        "bis(trifluoromethanesulfonyl)amide",
        "bis(trifluoromethanesulfonyl)imide",
        "bistrifluoromethanesulfonimidate",
        "1,1,1-trifluoro-n-((trifluoromethyl)sulfonyl)methanesulfonamide",
    ),
    "bis((perfluoroethyl)sulfonyl)amide": (
        "bis((perfluoroethyl)sulfonyl)imide",
        "bis(perfluoroethylsulfonyl)imide",
        "bis(perfluoroethylsulfonyl)amide",
        "bis(pentafluoroethylsulfonyl)imide",
        "bis(pentafluoroethylsulfonyl)amide",
        "bis((pentafluoroethyl)sulfonyl)imide",
        "bis((pentafluoroethyl)sulfonyl)amide",
        "bis(pentafluoroethanesulfonyl)imide",
        "bis(pentafluoroethanesulfonyl)amide",
        "1,1,2,2,2-pentafluoro-n-((1,1,2,2,2-pentafluoroethyl)sulfonyl)ethanesulfonamide",
    ),
    "bis((perfluorobutyl)sulfonyl)amide": (
        "bis(nonafluorobutylsulfonyl)imide",
        "bis(nonafluorobutylsulfonyl)amide",
        "bis(nonafluorobutanesulfonyl)imide",
        "bis((nonafluorobutyl)sulfonyl)amide",
        "bis((nonafluorobutyl)sulfonyl)imide",
        "bis((perfluorobutyl)sulfonyl)imide",
    ),
    "bis(fluorosulfonyl)amide": ("bis(fluorosulfonyl)imide", "imidodisulfuryl fluoride"),
    "tris((trifluoromethyl)sulfonyl)methanide": (
        "tris((trifluoromethyl)sulfonyl)methide",
        "tris(trifluoromethylsulfonyl)methide",
        "tris(trifluoromethylsulfonyl)methanide",
        "tris(trifluoromethanesulfonyl)methide",
        "tris(trifluoromethanesulfonyl)methanide",
    ),
    "trifluoromethanesulfonate": ("triflate", "trifluoromethylsulfonate", "1,1,1-trifluoromethanesulfonate"),
    "perfluorobutanesulfonate": (
        "nonafluoro-1-butanesulfonate",
        "nonafluorobutanesulfonate",
        "nonafluorobutane-1-sulfonate",
        "1,1,2,2,3,3,4,4,4-nonafluorobutane-1-sulfonate",
        "1,1,2,2,3,3,4,4,4-nonafluoro-1-butanesulfonate",
    ),
    "4-methylbenzenesulfonate": (
        "p-toluenesulfonate",
        "4-toluenesulfonate",
        "para-toluenesulfonate",
        "tosylate",
        "toluene-4-sulfonate",
        "4-methylbenzene-1-sulfonate",
    ),
    "methanesulfonate": ("mesylate", "methylsulfonate"),
    "methyl sulfate": ("methylsulfate",),
    "ethyl sulfate": ("ethylsulfate",),
    "butyl sulfate": ("butylsulfate",),
    "hexyl sulfate": ("hexylsulfate",),
    "octyl sulfate": ("octylsulfate",),
    "hydrogen sulfate": ("hydrogensulfate", "bisulfate"),
    "dihydrogen phosphate": ("dihydrogenphosphate",),
    "hexafluorophosphate": ("hexafluorophosphate(v)",),
    "trifluoroacetate": ("2,2,2-trifluoroacetate", "perfluoroacetate"),
    "dicyanamide": ("dicyanoamide", "dicyanoazanide", "bis(cyano)amide"),
    "tricyanomethanide": ("tricyanomethide",),
    "tetracyanoborate": ("tetracyanidoborate",),
    "methanoate": ("formate",),
    "acetate": ("ethanoate",),
    "2-hydroxypropanoate": ("lactate", "dl-lactate"),
    "hydroxyacetate": ("glycolate", "2-hydroxyacetate"),
    "thiocyanate": ("rhodanide",),
    "picrate": ("2,4,6-trinitrophenolate", "2,4,6-trinitrophenoxide"),
}
_SYNONYM: Final = {other: name for name, others in _ANION_SYNONYMS.items() for other in others}

_MULTIPLIERS: Final = {"di": 2, "tri": 3, "tetra": 4, "penta": 5, "bis": 2, "tris": 3, "tetrakis": 4}
_ALKANES: Final = tuple(
    f"{stem}"
    for stems in (
        "meth eth prop but pent hex hept oct non dec undec dodec",
        "tridec tetradec pentadec hexadec heptadec octadec icos docos",
    )
    for stem in stems.split()
)
_ALKYL: Final = {
    **{f"{stem}yl": f"{stem}yl" for stem in _ALKANES},
    "isopropyl": "propan-2-yl",
    "1-methylethyl": "propan-2-yl",
    "isobutyl": "2-methylpropyl",
    "2-methylpropyl": "2-methylpropyl",
    "isoamyl": "3-methylbutyl",
    "isopentyl": "3-methylbutyl",
    "3-methylbutyl": "3-methylbutyl",
    "2-methylbutyl": "2-methylbutyl",
    "allyl": "allyl",
    "prop-2-en-1-yl": "allyl",
    "2-propenyl": "allyl",
    "vinyl": "ethenyl",
    "ethenyl": "ethenyl",
    "benzyl": "benzyl",
    "phenyl": "phenyl",
    "2-hydroxyethyl": "2-hydroxyethyl",
    "hydroxyethyl": "2-hydroxyethyl",
    "2-methoxyethyl": "2-methoxyethyl",
    "methoxyethyl": "2-methoxyethyl",
}
# Parents of cations in one ring, where the locant of the charge goes without saying.
_RING_CATIONS: Final = {
    "imidazolium": (5, {1: 3, 2: 2, 3: 1, 4: 5, 5: 4}),
    "pyridinium": (6, {1: 1, 2: 6, 3: 5, 4: 4, 5: 3, 6: 2}),
    "pyrrolidinium": (5, {1: 1, 2: 5, 3: 4, 4: 3, 5: 2}),
    "piperidinium": (6, {1: 1, 2: 6, 3: 5, 4: 4, 5: 3, 6: 2}),
    "morpholinium": (6, {1: 1, 2: 6, 3: 5, 4: 4, 5: 3, 6: 2}),
}
_RING_END: Final = re.compile(r"-?(?:[13]h-)?(imidazol|pyridin|pyrrolidin|piperidin|morpholin)(?:-[134]-)?ium$")
_ALKANAMINIUM: Final = re.compile(
    rf"^(?:n(?:,n)*-)?(?P<subs>.*?)-?(?:(?P<a>{'|'.join(_ALKANES)})an(?:-1-)?|1-(?P<b>{'|'.join(_ALKANES)})an|"
    r"(?P<allyl>prop-2-en-1-))aminium$"
)


def clean_name(name: str) -> str:
    """Typography only: case, Unicode signs, kinds of brackets, spaces, and remarks that belong to no name.

    Args:
        name: a name as a source writes it.
    """
    text = unicodedata.normalize("NFKC", name).translate(_TYPOGRAPHY).lower()
    text = re.sub(r"\s*chemical formula:.*$", "", text)
    text = re.sub(r"\s*\(1:1\)$", "", text)
    text = re.sub(r"\s+", " ", text).strip(" ,;")
    text = re.sub(r"\s+-\s*", "-", text)
    return re.sub(r"\(\s+|\s+\)", lambda m: m[0].strip(), text)


def _split_depth(text: str, separator: str) -> list[str]:
    """Parts between separators that are outside brackets."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _group_segments(text: str) -> list[list[str]]:
    """All ways to read locant-free text such as ``diethylmethyl`` as a list of known groups."""
    if not text:
        return [[]]
    readings = []
    heads: list[tuple[int, int]] = [(1, 0)]
    heads += [(n, len(word)) for word, n in _MULTIPLIERS.items() if text.startswith(word)]
    for count, offset in heads:
        rest = text[offset:].removeprefix("-") if offset else text
        for group, canonical in _ALKYL.items():
            for written in (group, f"({group})", f"n-{group}", f"(n-{group})"):
                if rest.startswith(written):
                    tails = _group_segments(rest[len(written) :].removeprefix("-"))
                    readings += [[canonical] * count + tail for tail in tails]
    return readings


def _only_reading(text: str, low: int, high: int) -> list[str] | None:
    """The groups of a locant-free text when there is exactly one way to read it with low to high groups."""
    if len(text) > 120:
        return None
    readings = {tuple(sorted(r)) for r in _group_segments(text) if low <= len(r) <= high}
    return list(readings.pop()) if len(readings) == 1 else None


def _onium(groups: Iterable[str], element: str) -> str:
    return f"{'+'.join(sorted(groups))} {element}"


def _normalize_onium(name: str) -> str | None:
    """Ammonium, alkanaminium and phosphonium names as their sorted groups, or None."""
    for element in ("ammonium", "phosphonium", "sulfonium"):
        if name.endswith(element):
            groups = _only_reading(re.sub(r"^(?:[np](?:,[np])*-)", "", name.removesuffix(element)), 1, 4)
            return None if groups is None else _onium(groups, element)
    match = _ALKANAMINIUM.match(name)
    if match is None:
        return None
    stem = match["a"] or match["b"]
    base = "allyl" if match["allyl"] else f"{stem}yl"
    subs = re.sub(r"-(?=n-)|(?:^|(?<=-))n(?:,n)*-", "", match["subs"])
    groups = _only_reading(subs, 0, 3)
    return None if groups is None else _onium([*groups, base], "ammonium")


def _read_substituents(text: str) -> list[tuple[int, str]] | None:
    """(locant, group) pairs of text such as ``1-butyl-2,3-dimethyl``, or None when it is not of that kind."""
    pairs: list[tuple[int, str]] = []
    locants: list[int] = []
    group: list[str] = []

    def close() -> bool:
        if not locants or not group:
            return not locants and not group
        word = "-".join(group)
        if len(locants) > 1:
            multiplier = next((m for m, n in _MULTIPLIERS.items() if n == len(locants) and word.startswith(m)), None)
            if multiplier is None:
                return False
            word = word.removeprefix(multiplier)
        if word.startswith("(") and word.endswith(")") and len(_split_depth(word[1:-1], ")")) == 1:
            word = word[1:-1]
        pairs.extend((locant, _ALKYL.get(word, word)) for locant in locants)
        locants.clear()
        group.clear()
        return True

    for part in _split_depth(text, "-"):
        if re.fullmatch(r"\d(?:,\d)*", part):
            if not close():
                return None
            locants.extend(int(x) for x in part.split(","))
        else:
            group.append(part)
    return pairs if close() and pairs else None


def _normalize_ring(name: str) -> str | None:
    """Imidazolium, pyridinium ... with sorted substituents and the lowest numbering, or None."""
    match = _RING_END.search(name)
    if match is None:
        return None
    parent = f"{match[1]}ium"
    size, mirror = _RING_CATIONS[parent]
    text = name[: match.start()]
    if parent != "imidazolium":
        # With one nitrogen in the ring, N is a locant.
        text = re.sub(
            r"(?:(?<=^)|(?<=-))n(?:,n)*(?=-)", lambda m: m[0].replace("n", "4" if parent[0] == "m" else "1"), text
        )
    pairs = _read_substituents(text)
    if pairs is None or any(not 1 <= locant <= size for locant, _ in pairs):
        return None
    if parent == "morpholinium":
        # Numbered from the oxygen; the nitrogen is 4.
        pairs = [((locant + 2) % 6 + 1, group) for locant, group in pairs]
    numberings = (sorted(pairs), sorted((mirror[locant], group) for locant, group in pairs))
    best = min(numberings, key=lambda p: ([locant for locant, _ in p], [group for _, group in p]))
    return " ".join([*(f"{locant}:{group}" for locant, group in best), parent])


def _uninvert(text: str) -> str:
    """Index names (``1-heptanaminium, n,n,n-trihexyl-, bromide``) in reading order."""
    match = re.match(r"^(?P<base>[a-z0-9-]+ium), (?P<subs>\S+?)(?:-,?|,) (?P<anion>[a-z ]+)$", text)
    return f"{match['subs']}-{match['base']} {match['anion']}" if match else text


@lru_cache(maxsize=65_536)
def normalize_cation(name: str) -> str:
    """One form of a cation's name.

    Args:
        name: the cation's part of a cleaned name.
    """
    name = {"choline": "cholinium", "2-hydroxy-n,n,n-trimethylethanaminium": "cholinium"}.get(name, name)
    return _normalize_onium(name) or _normalize_ring(name) or name


@lru_cache(maxsize=65_536)
def normalize_anion(name: str) -> str:
    """One form of an anion's name.

    Args:
        name: the anion's part of a cleaned name.
    """
    return _SYNONYM.get(name, name)


def split_names(name: str) -> list[tuple[str, str]]:
    """All (cation, anion) readings of a salt's name, each part in its normal form.

    A name of several words has a reading for each space; which of them is right is decided by what is known of the
    parts.

    Args:
        name: a name as a source writes it.
    """
    words = _split_depth(_uninvert(clean_name(name)), " ")
    return [(normalize_cation(" ".join(words[:i])), normalize_anion(" ".join(words[i:]))) for i in range(1, len(words))]
