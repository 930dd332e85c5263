"""A stand-in for the ILThermo web site that speaks its wire format, with made-up figures."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

# Compounds are real ones of the package's table; nobody has drawn the last one.
EMIM_BF4 = ("AAmDQn", "1-ethyl-3-methylimidazolium tetrafluoroborate")
BMIM_CL = ("AAheIp", "1-butyl-3-methylimidazolium chloride")
UNDRAWN = ("ZZzzzz", "an ionic liquid that nobody has drawn")

PLIST = [
    {"cls": " Phase transition properties ", "key": ["NmYB "], "name": [" Normal melting temperature"]},
    {"cls": "Transport properties", "key": ["PusA", "Ylwl"], "name": ["Viscosity", "Electrical conductivity"]},
    {"cls": "Volumetric properties", "key": ["JkYu"], "name": ["Density"]},
    {"cls": "Refraction, surface tension, and speed of sound", "key": ["JYHK"], "name": ["Speed of sound"]},
]
KEYS = {name.strip(): key.strip() for group in PLIST for key, name in zip(group["key"], group["name"], strict=True)}


def entry(
    title: str,
    compound: tuple[str, str],
    dhead: list[list[str | None]],
    data: list[list[list[str]]],
    **more: Any,
) -> dict[str, Any]:
    """An entry as the site sends it."""
    code, name = compound
    return {
        "ref": {"full": "Doe, J.; Roe, R. (2011) J. Chem. Eng. Data 56, 1-9.", "title": "Properties of salts"},
        "title": title,
        "phases": ["Liquid"],
        "components": [
            {
                "idout": code, "name": name, "formula": "C<SUB>6</SUB>H<SUB>11</SUB>BF<SUB>4</SUB>N<SUB>2</SUB>",
                "mw": "197.97", "sample": [["Source:", "synthesized by the authors"], ["Purity:", "99.5 mass %"]],
            }
        ],
        "expmeth": "Some apparatus", "solvent": None, "constr": [], "footer": None,
        "dhead": dhead, "data": data,
    } | more  # fmt: skip


T, P = ["Temperature, K"], ["Pressure, kPa", None]
ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "dEnsa": (
        "Density",
        entry(
            "Volumetric properties: Density", EMIM_BF4, [T, P, ["Specific density, kg/m<SUP>3</SUP>", "Liquid"]],
            [[["293.15"], ["101.325"], ["1285.1", "0.6"]], [["298.15"], ["101.325"], ["1281.3", "0.6"]]],
            expmeth="Vibrating tube method",
        ),
    ),
    "vIscA": (
        "Viscosity",
        entry(
            "Transport properties: Viscosity", EMIM_BF4, [T, ["Viscosity, Pa&#8226;s", "Liquid"]],
            [[["298.15"], ["0.0372", "0.0007"]], [["313.15"], ["0.0231"]]],
            constr=["Pressure of 101 kPa"], expmeth="Cone and plate viscometry",
        ),
    ),
    "vIsCA": (  # differs from the last one in case only, as the site's ids do
        "Viscosity",
        entry(
            "Transport properties: Viscosity", EMIM_BF4, [T, P, ["Kinematic viscosity, m<SUP>2</SUP>/s", "Liquid"]],
            [[["298.15"], ["101"], ["2.9e-05", "3e-07"]]], expmeth="Capillary tube (Ubbelohde; Ostwald) method",
        ),
    ),
    "vIscU": (
        "Viscosity",
        entry(
            "Transport properties: Viscosity", UNDRAWN, [T, ["Viscosity, Pa&#8226;s", "Liquid"]],
            [[["298.15"], ["0.051", "0.001"]]],
        ),
    ),
    "mElta": (
        "Normal melting temperature",
        entry(
            "Phase transition properties: Normal melting temperature", BMIM_CL,
            [["Normal melting temperature, K", "Crystal 1"]], [[["341.9", "0.5"]], [["68.1", "0.5"]], [["-12"]]],
            phases=["Crystal 1", "Liquid", "Air at 1 atmosphere"], expmeth="DSC",
        ),
    ),
    "cOndf": (
        "Electrical conductivity",
        entry(
            "Transport properties: Electrical conductivity", EMIM_BF4,
            [T, P, ["Frequency, MHz"], ["Electrical conductivity, S/m", "Liquid"]],
            [[["298.15"], ["101"], ["0.001"], ["1.55", "0.01"]], [["298.15"], ["101"], ["1000"], ["1.71", "0.02"]]],
        ),
    ),
    "sOunb": ("Speed of sound", {"error": "no such set"}),
    "sOung": (
        "Speed of sound",
        entry(
            "Refraction, surface tension, and speed of sound: Speed of sound", EMIM_BF4,
            [T, P, ["Speed of sound, m/s", "Liquid"]], [[["298.15"], ["101"], ["1628.6", "0.8"]]],
        ),
    ),
}  # fmt: skip


@dataclass
class Standin:
    """The stand-in: what was asked, and how it misbehaves."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    agents: set[str] = field(default_factory=set)
    busy: Counter[str] = field(default_factory=Counter)
    """How often an entry is answered with 503 before it is sent."""
    broken: set[str] = field(default_factory=set)
    """Entries that are answered with 500 for ever."""
    gone_after: int | None = None
    """After so many entries the site drops every connection."""

    def n_entries(self) -> int:
        return sum(n for path, n in self.asked.items() if path.startswith("ilset"))


class _Handler(BaseHTTPRequestHandler):
    site: Standin

    def do_GET(self) -> None:
        parsed = urlparse(self.path)
        query = {key: values[0] for key, values in parse_qs(parsed.query, keep_blank_values=True).items()}
        self.site.agents.add(self.headers["User-Agent"])
        name = parsed.path.removeprefix("/ILT2/")
        if name == "ilset" and self.site.gone_after is not None and self.site.n_entries() >= self.site.gone_after:
            self.close_connection = True
            self.connection.close()
            return
        self.site.asked[f"{name} {query.get('set', query.get('prp', ''))}".strip()] += 1
        if name == "ilprpls":
            self._send({"plist": PLIST, "cprmsg": "Updated on January 1, 2026"})
        elif name == "ilsearch":
            self._send(self._search(query))
        elif name == "ilset":
            self._set(query["set"])
        else:
            self._send({}, 404)

    def _search(self, query: dict[str, str]) -> dict[str, Any]:
        assert set(query) == {"cmp", "ncmp", "year", "auth", "keyw", "prp"}
        rows = []
        for code, (name, sent) in ENTRIES.items():
            if KEYS[name] == query["prp"] and query["ncmp"] == "1":
                compound = sent["components"][0] if "components" in sent else {"idout": "AAmDQn", "name": EMIM_BF4[1]}
                points = str(len(sent.get("data", [None])))
                first = [code, "Doe and Roe (2011)", name, "Liquid", compound["idout"], None, None]
                rows.append([*first, points, compound["name"]])
        header = ["setid", "ref", "prp", "phases", "cmp1", "cmp2", "cmp3", "np", "nm1", "nm2", "nm3"]
        return {"header": header, "res": rows, "errors": []}

    def _set(self, code: str) -> None:
        if code in self.site.broken:
            self._send({}, 500)
        elif self.site.busy[code]:
            self.site.busy[code] -= 1
            self._send({}, 503)
        else:
            self._send(ENTRIES[code][1])

    def _send(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def standin() -> Iterator[Standin]:
    """Serve the stand-in on a free port of this machine."""
    site = Standin()
    handler = type("Handler", (_Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
