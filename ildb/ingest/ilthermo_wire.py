"""The ILThermo web site through ``ilthermopy``: one request at a time, not too fast, with patience and an end to it.

``ilthermopy`` knows the addresses and the form of the answers. It asks without time limit, pause or second try, so for
the time of a pull its requests go through a session that has them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import requests
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError
from urllib3.util import Retry

from ildb import __version__
from ildb.errors import InputError

__all__ = ["EntryUnavailableError", "Site", "SiteError", "SiteSettings", "connected"]

_CONNECT_TIMEOUT_S: Final = 5.0
_FIRST_TIMEOUT_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 60
_BUSY: Final = (429, 500, 502, 503, 504)


class SiteSettings(BaseSettings):
    """How to speak to ILThermo (``ILDB_ILTHERMO_*``)."""

    model_config = SettingsConfigDict(env_prefix="ILDB_ILTHERMO_", extra="ignore", frozen=True)

    url: str = Field(default="https://ilthermo.boulder.nist.gov", description="the site")
    delay_s: float = Field(default=0.5, ge=0, description="least time between two requests, seconds")
    timeout_s: float = Field(default=60.0, gt=0, description="how long to wait for an answer, seconds")
    retries: int = Field(default=4, ge=0, description="further tries when the site is busy")
    backoff_s: float = Field(default=1.0, ge=0, description="pause before the second further try; doubles, seconds")


class SiteError(InputError):
    """ILThermo does not answer, or not in the form expected."""


class EntryUnavailableError(SiteError):
    """The site answers, but not with this entry."""


class _PoliteSession:
    """What ``ilthermopy`` takes for the ``requests`` module."""

    def __init__(self, settings: SiteSettings) -> None:
        self._settings = settings
        self._next_at = 0.0
        self._quick = _session(settings, tries_to_reach=0)
        self._patient = _session(settings, tries_to_reach=min(1, settings.retries))
        self._is_first = True

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> requests.Response:
        """A request after the pause that is due; the first one fails fast, because the site may not be there at all."""
        time.sleep(max(0.0, self._next_at - time.monotonic()))
        session, timeout = self._patient, self._settings.timeout_s
        if self._is_first:
            session, timeout = self._quick, min(_FIRST_TIMEOUT_S, timeout)
        try:
            answer = session.get(url, params=params, timeout=(_CONNECT_TIMEOUT_S, timeout))
        finally:
            self._next_at = time.monotonic() + self._settings.delay_s
        self._is_first = False
        return answer

    def close(self) -> None:
        self._quick.close()
        self._patient.close()


def _session(settings: SiteSettings, *, tries_to_reach: int) -> requests.Session:
    retry = Retry(
        total=settings.retries, connect=tries_to_reach, read=tries_to_reach, status_forcelist=_BUSY,
        backoff_factor=settings.backoff_s, retry_after_max=_LONGEST_PAUSE_S,
        raise_on_status=False,  # the last answer is returned, so that its status is reported
    )  # fmt: skip
    session = requests.Session()
    session.headers["User-Agent"] = f"ildb/{__version__} (ionic-liquid database; python-requests)"
    session.headers["Accept"] = "application/json"
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


class Site:
    """The three questions that a pull asks; made by ``connected``."""

    def __init__(self, url: str) -> None:
        self._url = url

    def property_keys(self) -> dict[str, str]:
        """The site's key of each property, by its name."""
        from ilthermopy.data_structs import PropertyList

        with self._asking("its list of properties"):
            return dict(PropertyList().prop2key)

    def entry_ids(self, key: str) -> list[str]:
        """Ids of the entries with a property, of pure compounds."""
        from ilthermopy.search import Search

        with self._asking("a search"):
            found = Search(n_compounds=1, prop_key=key)
        return [str(entry_id) for entry_id in found["id"]] if len(found) else []

    def entry(self, entry_id: str) -> dict[str, Any]:
        """One entry as the site sends it.

        Raises:
            EntryUnavailableError: the site answers with an error status.
            SiteError: it does not answer, or not with JSON.
        """
        from ilthermopy.requests import GetEntryData

        with self._asking(f"entry {entry_id}"):
            try:
                answer = GetEntryData(entry_id)
            except requests.HTTPError as error:
                status = error.response.status_code if error.response is not None else "an error"
                raise EntryUnavailableError(f"{self._url} answers {status} for entry {entry_id}.") from error
        if not isinstance(answer, dict):
            raise SiteError(f"{self._url} sends entry {entry_id} in an unknown form.", "Is this ILThermo?")
        return answer

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        from ilthermopy.errors import ILThermoResponseError, ILThermoSearchError

        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else "an error"
            raise SiteError(f"{self._url} answers {status} when asked for {what}.", "Try again later.") from error
        except requests.JSONDecodeError as error:
            raise SiteError(f"{self._url} does not send {what} as JSON.", "Is this ILThermo?") from error
        except requests.RequestException as error:
            raise SiteError(
                f"ILThermo at {self._url} does not answer: {_reason(error)}.", "Check the network; try again later."
            ) from error
        except (ILThermoResponseError, ILThermoSearchError) as error:
            raise SiteError(f"{self._url} refuses {what}: {' '.join(str(error).split())}.") from error


def _reason(error: requests.RequestException) -> str:
    # After its last try urllib3 wraps what went wrong.
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", None) or cause
    if isinstance(cause, ConnectTimeoutError) and not isinstance(cause, NewConnectionError):
        return f"no connection within {_CONNECT_TIMEOUT_S:.0f} s"
    if isinstance(cause, ReadTimeoutError):
        return "no answer in time"
    return str(cause).rsplit(": ", 1)[-1].rstrip(".")


@contextmanager
def connected(settings: SiteSettings) -> Iterator[Site]:
    """Lead ``ilthermopy``'s requests through a polite session to the site of the settings.

    The import of ``ilthermopy`` takes a second (pandas), so it happens here.
    """
    import ilthermopy.requests as wire

    base = settings.url.rstrip("/")
    session = _PoliteSession(settings)
    ours = {
        "_requests": session, "PROPS_URL": f"{base}/ILT2/ilprpls", "SEARCH_URL": f"{base}/ILT2/ilsearch",
        "DATA_URL": f"{base}/ILT2/ilset",
    }  # fmt: skip
    theirs = {name: getattr(wire, name) for name in ours}
    try:
        for name, value in ours.items():
            setattr(wire, name, value)
        yield Site(base)
    finally:
        for name, value in theirs.items():
            setattr(wire, name, value)
        session.close()
