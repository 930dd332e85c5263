"""Pulling measurements from ILThermo: against a stand-in that speaks its wire format, and against sites that do not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ildb.errors import InputError
from ildb.ingest.curate import ingest
from ildb.ingest.ilthermo_online import Pull, online_source, pull, read_pull
from ildb.ingest.ilthermo_wire import SiteError, SiteSettings
from ildb.ingest.record import PairRecord
from tests.integration.command import Outcome, command
from tests.integration.ilthermo_site import Standin, standin

__all__ = ["command"]  # a fixture


@pytest.fixture
def site() -> Iterator[Standin]:
    with standin() as made:
        yield made


def settings(site: Standin, **more: float) -> SiteSettings:
    return SiteSettings(url=site.url, **{"delay_s": 0, "backoff_s": 0, "timeout_s": 5, **more})


def fetch(site: Standin, cache: Path, *properties: str, **more: object) -> Pull:
    return pull(properties, settings=settings(site), cache=cache, **more)  # type: ignore[arg-type]


def records(pulled: Pull) -> dict[str, PairRecord]:
    return {record.source_key: record for record in read_pull(pulled)}


def test_density_keeps_state_unit_method_and_reference(site: Standin, tmp_path: Path) -> None:
    (record,) = records(fetch(site, tmp_path, "density")).values()
    assert record.salt_smiles == "CC[n+]1ccn(C)c1.F[B-](F)(F)F"
    assert record.reference == "Doe, J.; Roe, R. (2011) J. Chem. Eng. Data 56, 1-9."
    first, second = record.measurements
    assert (first.property, first.value, first.unit, first.qualifier) == ("density", 1285.1, "kg/m3", "=")
    assert (first.uncertainty, first.temperature_k, first.pressure_kpa) == (0.6, 293.15, 101.325)
    assert (second.value, second.temperature_k) == (1281.3, 298.15)
    assert first.method == "ILThermo: Specific density, kg/m3 (Liquid); Vibrating tube method"
    assert first.reference == record.reference
    assert record.raw["filed_under"] == "Volumetric properties: Density"
    assert record.raw["sample"] == "Source: synthesized by the authors; Purity: 99.5 mass %"


def test_a_kinematic_viscosity_is_not_a_viscosity(site: Standin, tmp_path: Path) -> None:
    found = records(fetch(site, tmp_path, "viscosity"))
    (kinematic,) = found["vIsCA"].measurements
    assert (kinematic.property, kinematic.value, kinematic.unit) == ("kinematic_viscosity", 2.9e-05, "m2/s")
    dynamic = found["vIscA"].measurements
    assert [(m.property, m.value, m.unit, m.uncertainty) for m in dynamic] == [
        ("viscosity", 0.0372, "Pa.s", 0.0007),
        ("viscosity", 0.0231, "Pa.s", None),
    ]
    assert {m.pressure_kpa for m in dynamic} == {101.0}, "the constraint of the whole entry"
    assert found["vIscU"].problem == "no_structure"
    assert found["vIscU"].measurements, "the value waits with the record"


def test_a_point_that_cannot_be_true_waits_alone(site: Standin, tmp_path: Path) -> None:
    found = records(fetch(site, tmp_path, "melting_point"))
    assert [m.value for m in found["mElta"].measurements] == [341.9, 68.1]
    assert found["mElta"].measurements[0].temperature_k is None
    assert found["mElta#3"].problem == "value_out_of_range"
    assert found["mElta#3"].salt_smiles == found["mElta"].salt_smiles
    assert "data point 3" in found["mElta#3"].findings[0].message


def test_values_that_depend_on_more_are_a_property_of_their_own(site: Standin, tmp_path: Path) -> None:
    (record,) = records(fetch(site, tmp_path, "conductivity")).values()
    assert {m.property for m in record.measurements} == {"conductivity_at_frequency"}
    assert [m.method.rpartition("; ")[2] for m in record.measurements if m.method] == [
        "Frequency = 0.001 MHz", "Frequency = 1000 MHz",
    ]  # fmt: skip


def test_any_property_by_the_sites_name_and_an_entry_without_data(site: Standin, tmp_path: Path) -> None:
    found = records(fetch(site, tmp_path, "speed of SOUND"))
    assert found["sOung"].measurements[0].property == "speed_of_sound"
    assert found["sOunb"].problem == "entry_unreadable"
    assert "no such set" in str(found["sOunb"].raw["answer"])
    with pytest.raises(InputError, match=r"no property 'denisty'.*Did you mean 'density'"):
        fetch(site, tmp_path, "denisty")


def test_limit_and_user_agent(site: Standin, tmp_path: Path) -> None:
    assert fetch(site, tmp_path, "viscosity", limit=1).ids == ("vIscA",)
    assert all(agent.startswith("ildb/") for agent in site.agents)


def test_it_waits_between_requests(site: Standin, tmp_path: Path) -> None:
    started = time.monotonic()
    pull(["viscosity"], settings=settings(site, delay_s=0.1), cache=tmp_path)
    assert time.monotonic() - started >= 0.4  # five requests have four pauses


def test_a_busy_site_is_asked_again(site: Standin, tmp_path: Path) -> None:
    site.busy["vIscA"] = 2
    assert not fetch(site, tmp_path, "viscosity").unavailable
    assert site.asked["ilset vIscA"] == 3


def test_one_broken_entry_does_not_stop_the_others(site: Standin, tmp_path: Path) -> None:
    site.broken.add("vIsCA")
    pulled = fetch(site, tmp_path, "viscosity")
    assert list(pulled.unavailable) == ["vIsCA"]
    assert records(pulled)["vIsCA"].problem == "entry_unavailable"
    site.broken.update({"vIscA", "vIscU"})
    with pytest.raises(SiteError, match="answers 500 for entry"):
        fetch(site, tmp_path, "viscosity")


def test_a_site_that_goes_away_costs_nothing(site: Standin, tmp_path: Path) -> None:
    site.gone_after = 2
    with pytest.raises(SiteError, match="2 of 3 entries are fetched and kept; go on with --resume"):
        fetch(site, tmp_path, "viscosity")
    site.gone_after = None
    site.asked.clear()
    assert len(fetch(site, tmp_path, "viscosity", resume=True).ids) == 3
    assert dict(site.asked) == {"ilset vIscU": 1}
    site.asked.clear()
    assert len(records(fetch(site, tmp_path, "viscosity", resume=True))) == 3
    assert not site.asked, "a finished pull is read without the site"


def test_a_torn_cache_file_is_fetched_again(site: Standin, tmp_path: Path) -> None:
    pulled = fetch(site, tmp_path, "density")
    (file,) = (pulled.folder / "entries").iterdir()
    file.write_text('{"entry": "dEn', encoding="utf-8")
    with pytest.raises(InputError, match="gone or damaged"):
        records(pulled)
    assert records(fetch(site, tmp_path, "density", resume=True))


def test_no_site_is_an_error_within_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(SiteError, match=r"does not answer.*refused"):
        pull(["density"], settings=SiteSettings(url=f"http://127.0.0.1:{port}"), cache=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SiteError, match="no answer in time"):
            pull(["density"], settings=SiteSettings(url=url, timeout_s=0.3), cache=tmp_path)
    assert time.monotonic() - started < 30


def test_a_site_that_is_not_ilthermo(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(SiteError, match="as JSON"):
            pull(["density"], settings=SiteSettings(url=f"http://127.0.0.1:{server.getsockname()[1]}"), cache=tmp_path)
        thread.join()


def test_pulled_twice_inserted_once(site: Standin, tmp_path: Path, engine: Engine) -> None:
    source = online_source(settings(site))
    everything = ("density", "viscosity", "melting_point", "conductivity", "Speed of sound")
    first = ingest(engine, source, read_pull(fetch(site, tmp_path, *everything)))
    assert (first.n_read, first.n_inserted, first.n_quarantined) == (9, 6, 3)
    assert first.n_measurements == 2 + 2 + 1 + 2 + 2 + 1
    assert dict(first.reasons) == {"no_structure": 1, "value_out_of_range": 1, "entry_unreadable": 1}
    again = ingest(engine, source, read_pull(fetch(site, tmp_path, "viscosity", "density")))
    assert (again.n_inserted, again.n_measurements, again.n_pairings) == (0, 0, 0)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT property, count(*) AS n FROM ildb.measurement WHERE source_key ILIKE 'visca' GROUP BY 1")
        )
        assert {row.property: row.n for row in rows} == {"viscosity": 2, "kinematic_viscosity": 1}


def test_the_command_line(command: Callable[..., Outcome], site: Standin, tmp_path: Path) -> None:
    environment = {
        "ILDB_ILTHERMO_URL": site.url, "ILDB_ILTHERMO_DELAY_S": "0", "ILDB_ILTHERMO_BACKOFF_S": "0",
        "ILDB_HOME": str(tmp_path),
    }  # fmt: skip
    pulling = ("ingest", "ilthermo", "--online", "--property", "density", "--property", "viscosity")
    site.gone_after = 2
    broken_off = command(*pulling, **environment)
    assert (broken_off.code, "go on with --resume" in broken_off.err) == (3, True)
    site.gone_after = None
    counts = command(*pulling, "--resume", "--json", **environment).json()
    assert [(c["source"], c["n_read"], c["n_quarantined"]) for c in counts] == [
        ("ilthermo-online", 1, 0), ("ilthermo-online", 3, 1),
    ]  # fmt: skip
    assert "Nothing new" in command(*pulling, "--resume", **environment).out
    without = command("ingest", "ilthermo", "--property", "density", **environment)
    assert (without.code, "Add --online" in without.err) == (3, True)
