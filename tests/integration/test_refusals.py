"""A server that answers and refuses is not said to be down."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from ildb.db.refusals import refusal
from ildb.search.sql import READER
from tests.integration.command import command  # noqa: F401

AT = 'connection failed: connection to server at "db.example" (192.0.2.1), port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "why", "hint"),
    [
        (
            f'{AT}FATAL:  password authentication failed for user "me"',
            'password authentication failed for user "me"',
            ".pgpass",
        ),
        (f"{AT}fe_sendauth: no password supplied", "no password supplied", ".pgpass"),
        (f'{AT}FATAL:  role "me" does not exist', 'role "me" does not exist', "createuser"),
        (f"{AT}FATAL:  sorry, too many clients already", "sorry, too many clients already", "max_connections"),
        (
            f"{AT}FATAL:  remaining connection slots are reserved for roles with",
            "slots are reserved",
            "max_connections",
        ),
        (f'{AT}FATAL:  no pg_hba.conf entry for host "192.0.2.2"', "no pg_hba.conf entry", "pg_hba.conf"),
        (f"{AT}FATAL:  the database system is starting up", "the database system is starting up", "again"),
        (f"{AT}FATAL:  something new", "something new", ""),
        (f'{AT}Connection refused\n\tIs it running?\n{AT}FATAL:  database "x" does not exist', "database", "createdb"),
    ],
)
def test_why_it_refuses_is_said(message: str, why: str, hint: str) -> None:
    found = refusal(message)
    assert found is not None
    assert why in found[0]
    assert "FATAL" not in found[0]
    assert hint in found[1]


@pytest.mark.parametrize(
    "message",
    [f"{AT}Connection refused\n\tIs the server running on that host?", f"{AT}timeout expired", "no answer",
     'could not translate host name "nowhere" to address: Name or service not known'],
)  # fmt: skip
def test_a_server_that_does_not_answer_refuses_nothing(message: str) -> None:
    assert refusal(message) is None


@pytest.mark.parametrize(
    ("change", "why", "what_to_do"),
    [
        ({"username": "stranger"}, 'Peer authentication failed for user "stranger"', "pg_ident.conf"),
        ({"database": "no_such"}, 'database "no_such" does not exist', "createdb"),
    ],
)
def test_the_server_is_said_to_refuse(
    command, database_url: str, change: dict[str, str], why: str, what_to_do: str
) -> None:
    outcome = command("stats", url=make_url(database_url).set(**change).render_as_string(hide_password=False))
    assert outcome.code == 4
    assert why in outcome.err
    assert what_to_do in outcome.err
    assert "No database answers" not in outcome.err
    assert "server runs" not in outcome.err


def test_a_full_server_is_said_to_be_full(command, database_url: str) -> None:
    url = make_url(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        limit = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(str(url.database)))
        connection.execute(limit)
    outcome = command("stats", url=url.set(username=READER).render_as_string(hide_password=False))
    assert outcome.code == 4
    assert f'too many connections for database "{url.database}"' in outcome.err
    assert "CONNECTION LIMIT" in outcome.err
