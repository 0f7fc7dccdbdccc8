"""What is wrong goes to a file, comes back corrected, and results stand beside what was read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revox_langchain.contacts import corrected, read_contacts, write_errors, write_results
from revox_langchain.contacts.written import quoted, unquoted
from revox_langchain.errors import InvalidInput

FILE = (
    "Telefon,Name,Notiz\n"
    "+33142685300,Zoë,=HYPERLINK(1)\n"
    "3.31427E+10,Max,\n"
    "+33142685300,Zoë,x\n"
    "Doe, Jane,+33142685302,x\n"
    "'+33142685301,Eva,-1\n"
).encode()


def lines_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def rewritten(path: Path, change: dict[str, dict[str, str]]) -> Path:
    """Correct the file as a person does: by the number of the row."""
    lines = lines_of(path)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(line | change.get(line["revox_row"], {}) for line in lines)
    return path


def test_every_row_with_a_problem_is_in_the_file_of_errors_with_what_to_do(tmp_path: Path):
    contacts = read_contacts(FILE)
    assert write_errors(contacts, tmp_path / "errors.csv") == 3
    lines = lines_of(tmp_path / "errors.csv")
    assert [line["revox_row"] for line in lines] == ["3", "4", "5"]
    assert [line["revox_code"] for line in lines] == ["scientific_notation", "duplicate_number", "too_many_cells"]
    assert lines[0]["revox_column"] == "Telefon"
    assert lines[0]["Telefon"] == "3.31427E+10"
    assert all(line["revox_problem"] and line["revox_suggestion"] for line in lines)


def test_corrected_rows_take_the_places_of_the_wrong_ones(tmp_path: Path):
    contacts = read_contacts(FILE)
    write_errors(contacts, tmp_path / "errors.csv")
    change = {
        "3": {"Telefon": "+33142685303"},
        "5": {"Telefon": "+33142685302", "Name": "Doe, Jane", "Notiz": "x", "revox_extra_1": ""},
    }
    again = corrected(contacts, read_contacts(rewritten(tmp_path / "errors.csv", change)))
    assert [row.line for row in again.rows] == [2, 3, 4, 5, 6]
    assert [row.state for row in again.rows] == ["ready", "ready", "duplicate", "ready", "ready"]
    assert again.rows[3].fields(again.columns)["Name"] == "Doe, Jane"
    assert again.rows[4].cells == contacts.rows[4].cells


def test_a_file_of_errors_that_no_one_corrected_changes_nothing(tmp_path: Path):
    contacts = read_contacts(FILE)
    write_errors(contacts, tmp_path / "errors.csv")
    again = corrected(contacts, read_contacts(tmp_path / "errors.csv"))
    assert again.counts == contacts.counts
    assert [row.cells for row in again.rows] == [row.cells for row in contacts.rows]
    assert [problem.code for problem in again.problems] == [problem.code for problem in contacts.problems]


def test_a_row_that_a_person_adds_to_the_file_of_errors_comes_last(tmp_path: Path):
    contacts = read_contacts(FILE)
    write_errors(contacts, tmp_path / "errors.csv")
    with (tmp_path / "errors.csv").open("a", encoding="utf-8") as file:
        file.write(",,,,,,,+33142685309,New,\n")
    again = corrected(contacts, read_contacts(tmp_path / "errors.csv"))
    assert (again.rows[-1].phone.e164, again.rows[-1].state) == ("+33142685309", "ready")
    assert len(again.rows) == len(contacts.rows) + 1


def test_corrections_with_other_columns_are_refused():
    with pytest.raises(InvalidInput, match=r"missing 'Name', 'Notiz'; new 'Nom'") as caught:
        corrected(read_contacts(FILE), read_contacts(b"Telefon,Nom\n+33142685300,x\n"))
    assert caught.value.code == "other_columns"


def test_results_keep_the_order_the_rows_and_the_columns_of_the_input(tmp_path: Path):
    contacts = read_contacts(FILE)
    results = {"+33142685300": {"outcome": "interested", "answered": True}, "+33142685301": {"outcome": None}}
    write_results(tmp_path / "r.csv", contacts.columns, contacts.rows, results, ["outcome", "answered"])
    lines = lines_of(tmp_path / "r.csv")
    assert list(lines[0]) == [
        *contacts.columns.names,
        "revox_row_state",
        "revox_row_code",
        "revox_outcome",
        "revox_answered",
    ]
    assert [line["revox_outcome"] for line in lines] == ["interested", "", "interested", "", ""]
    assert [line["revox_answered"] for line in lines] == ["true", "", "true", "", ""]
    assert [line["revox_row_state"] for line in lines] == ["ready", "rejected", "duplicate", "rejected", "ready"]
    assert [line["Name"] for line in lines][:3] == ["Zoë", "Max", "Zoë"]
    assert lines[0]["Telefon"] == "+33142685300"


def test_a_file_of_results_is_read_as_the_contacts_it_was_made_of(tmp_path: Path):
    contacts = read_contacts(FILE.replace(b"Doe, Jane", b"Doe"))
    write_results(tmp_path / "r.csv", contacts.columns, contacts.rows, {}, ["outcome"])
    again = read_contacts(tmp_path / "r.csv")
    assert [row.cells for row in again.rows] == [row.cells for row in contacts.rows]
    assert again.columns == contacts.columns


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "@SUM(A1)",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd",
        "\t=1",
        "\r=1",
        " =1",
        "'=1",
        "＝1",
        "＋1a",
        "\ufeff=1",
        "\n=1",
    ],
)
def test_no_cell_that_is_written_can_act_as_a_formula(cell):
    assert quoted(cell) == f"'{cell}"
    assert quoted(quoted(cell)) == f"''{cell}"


@pytest.mark.parametrize("cell", ["+33 1 42 68 53 00", "-5", "a=b", "", "O'Neil", "3.14"])
def test_numbers_and_ordinary_texts_are_written_as_they_are(cell):
    assert quoted(cell) == cell


@pytest.mark.slow
@given(st.text(alphabet="'=+-@ \t\r\n1a\ufeff＝"), st.booleans())
def test_what_was_quoted_is_read_as_it_was(cell, numbers):
    assert unquoted(quoted(cell, numbers=numbers)) == cell
