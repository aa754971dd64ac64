import sqlite3

import pytest

from libs.common.database.sqlite.short_statements import (
    MOST_ROWS,
    MOST_VALUES,
    Outcome,
    ShortStatements,
)

ENDLESS = "SELECT count(*) FROM things a, things b, things c, things d"


@pytest.fixture
def connection():
    with sqlite3.connect(":memory:", isolation_level=None) as connection:
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO things VALUES (?, 'x')", [(n,) for n in range(300)])
        yield connection


@pytest.mark.parametrize(
    ("statement", "few_rows", "short"),
    [
        ("SELECT * FROM things", False, True),
        ("INSERT INTO things (id, name) VALUES (?, ?)", False, True),
        (
            'INSERT INTO a (id, "key") VALUES (?, (SELECT 1)) ON CONFLICT DO NOTHING',
            False,
            True,
        ),
        ("INSERT INTO things (id, name) SELECT id, name FROM others", False, False),
        ("INSERT INTO things (id, name) SELECT id, name FROM others", True, True),
        ("UPDATE things SET name = ?", False, False),
        ("UPDATE things SET name = ? WHERE id = ?", True, True),
        ("DELETE FROM things", False, False),
        ("WITH a AS (SELECT 1) UPDATE things SET name = ?", False, False),
        ("PRAGMA wal_checkpoint(TRUNCATE)", False, False),
        ("VACUUM", False, False),
    ],
)
def test_what_may_be_executed_by_whoever_asks(statement, few_rows, short):
    known = ShortStatements()
    assert known.may_be(statement, (), many=False, few_rows=few_rows) is short


def test_many_rows_are_not_short():
    insert = "INSERT INTO things (id) VALUES (?)"
    rows = [(n,) for n in range(MOST_ROWS + 1)]
    assert not ShortStatements().may_be(insert, rows, many=True, few_rows=True)
    assert ShortStatements().may_be(insert, rows[1:], many=True, few_rows=False)


def test_a_statement_has_its_rows(connection):
    outcome = ShortStatements().execute(
        connection, sqlite3.Cursor.execute, "SELECT id FROM things WHERE id < ?", (2,)
    )
    assert outcome is not None
    assert outcome.rows == [(0,), (1,)]
    assert outcome.description[0][0] == "id"


def test_a_long_query_is_stopped_and_known_and_the_transaction_goes_on(connection):
    known = ShortStatements()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO things VALUES (1000, 'new')")
    assert known.execute(connection, sqlite3.Cursor.execute, ENDLESS, ()) is None
    assert connection.in_transaction
    connection.execute("COMMIT")
    assert connection.execute("SELECT name FROM things WHERE id = 1000").fetchall() == [("new",)]
    assert not known.may_be(ENDLESS, (), many=False, few_rows=False)
    assert known.may_be("SELECT 1", (), many=False, few_rows=False)


def test_what_is_short_stays_short_however_often_it_runs(connection):
    known = ShortStatements()
    for number in range(5_000):
        query = "SELECT name FROM things WHERE id = ?"
        assert known.execute(connection, sqlite3.Cursor.execute, query, (number % 300,)) is not None
    assert known.may_be(query, (), many=False, few_rows=False)


def test_many_rows_in_one_statement_are_not_short():
    insert = "INSERT INTO things (id, name) VALUES (?, ?), (?, ?)"
    assert ShortStatements().may_be(insert, (1, "a", 2, "b"), many=False, few_rows=False)
    values = tuple(range(MOST_VALUES + 1))
    assert not ShortStatements().may_be(insert, values, many=False, few_rows=False)


def test_nothing_is_stopped_afterwards(connection):
    known = ShortStatements()
    assert known.execute(connection, sqlite3.Cursor.execute, ENDLESS, ()) is None
    longer = connection.execute("SELECT count(*) FROM things a, things b, things c WHERE a.id < 3")
    assert longer.fetchall() == [(3 * 300 * 300,)]


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM nothing", "INSERT INTO things (id) VALUES (1)"]
)
def test_errors_are_those_of_sqlite(connection, statement):
    with pytest.raises(sqlite3.Error):
        ShortStatements().execute(connection, sqlite3.Cursor.execute, statement, ())


def test_an_outcome_without_rows():
    Outcome().close()
    assert Outcome().rows == ()
