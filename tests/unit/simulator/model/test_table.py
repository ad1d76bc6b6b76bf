from dataclasses import dataclass

import pytest

from vcd_simulator.model.table import Table


@dataclass
class Row:
    id: str
    name: str | None


@pytest.fixture
def table() -> Table[Row]:
    return Table(name=lambda row: row.name)


def test_rows_are_found_by_id_and_by_index_in_the_order_they_came(table: Table[Row]) -> None:
    first, second = table.add(Row("2", "x")), table.add(Row("1", "x"))
    assert list(table) == [first, second]
    assert table["1"] is second
    assert table.find("name", "x") == [first, second]
    assert table.first("name", "x") is first
    assert table.count("name", "x") == 2


def test_a_row_without_a_key_is_in_no_index(table: Table[Row]) -> None:
    table.add(Row("1", None))
    assert table.find("name", None) == []


def test_reindexing_moves_a_row_to_its_new_key(table: Table[Row]) -> None:
    row = table.add(Row("1", "old"))
    row.name = "new"
    table.reindex(row)
    assert table.find("name", "old") == []
    assert table.first("name", "new") is row


def test_a_removed_row_is_nowhere_and_removing_it_again_is_harmless(table: Table[Row]) -> None:
    row = table.add(Row("1", "x"))
    table.remove(row)
    table.remove(row)
    assert (table.get("1"), table.find("name", "x"), len(table)) == (None, [], 0)


def test_an_id_is_given_once(table: Table[Row]) -> None:
    table.add(Row("1", "x"))
    with pytest.raises(ValueError, match="taken"):
        table.add(Row("1", "y"))
