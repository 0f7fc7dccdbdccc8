"""A store has every row of a campaign once, whatever is read how often."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revox_langchain.contacts import (
    Change,
    Options,
    SqliteContacts,
    corrected,
    read_contacts,
    refuse_without_store,
    stream_contacts,
    write_errors,
)
from revox_langchain.errors import InvalidInput, NotFound

FILE = b"id,phone,name\n1,+33142685300,a\n2,+33142685301,b\n3,3.3E+10,c\n4,+33142685300,d\n,+33142685302,e\n"


@pytest.fixture
def store(tmp_path: Path):
    with SqliteContacts(tmp_path / "contacts.db") as store:
        yield store


def add(store, data, campaign="c", **options):
    contacts = read_contacts(data, **options)
    return store.add(campaign, contacts.columns, contacts.rows)


def test_rows_are_kept_in_order_with_their_states(store):
    added = add(store, FILE)
    assert added.counts == {"ready": 3, "rejected": 1, "duplicate": 1, "row_conflict": 0, "unchanged": 0}
    assert store.counts("c") == {"ready": 3, "rejected": 1, "duplicate": 1}
    assert [kept.row for kept in store.batch("c")] == list(read_contacts(FILE).rows)
    assert store.columns("c") == read_contacts(FILE).columns


def test_the_same_file_again_adds_nobody(store):
    add(store, FILE)
    before = store.batch("c")
    assert add(store, FILE).counts["unchanged"] == 5
    assert store.batch("c") == before


def test_the_same_rows_with_their_columns_in_another_order_add_nobody(store, tmp_path):
    add(store, FILE)
    moved = "\n".join(",".join(line.split(",")[::-1]) for line in FILE.decode().splitlines())
    with SqliteContacts(tmp_path / "contacts.db") as other:
        assert add(other, moved.encode()).counts["unchanged"] == 5


def test_a_changed_row_is_a_conflict_and_changes_nothing(store):
    add(store, FILE)
    added = add(store, FILE.replace(b"301,b", b"309,b").replace(b"302,e", b"302,E"))
    assert added.counts["row_conflict"] == 2
    assert [(problem.line, problem.code) for problem in added.problems] == [(3, "row_conflict"), (6, "row_conflict")]
    assert "row 3" in added.problems[0].message
    assert [kept.row.phone.e164 for kept in store.batch("c", states=["ready"])] == [
        "+33142685300",
        "+33142685301",
        "+33142685302",
    ]


def test_a_number_that_the_campaign_has_is_no_second_contact(store):
    add(store, FILE)
    added = add(store, b"id,phone,name\n9,+33142685301,z\n")
    assert added.counts["duplicate"] == 1
    assert len(store.find("c", ["+33142685301"])) == 1
    assert store.batch("c")[-1].row.problems[0].code == "duplicate_number"


def test_campaigns_know_nothing_of_each_other(store):
    add(store, FILE)
    assert add(store, FILE, campaign="d").counts["ready"] == 3


def test_corrected_rows_take_their_places_and_the_first_file_still_adds_nobody(store, tmp_path):
    contacts = read_contacts(FILE)
    store.add("c", contacts.columns, contacts.rows)
    errors = tmp_path / "errors.csv"
    write_errors(contacts, errors)
    errors.write_text(errors.read_text(encoding="utf-8-sig").replace("3.3E+10", "+33142685303"), encoding="utf-8")
    added = add(store, errors)
    assert (added.counts["ready"], added.counts["unchanged"]) == (1, 0)
    assert store.counts("c") == {"ready": 4, "duplicate": 1}
    assert [kept.row.cells[0] for kept in store.batch("c")] == ["1", "2", "3", "4", ""]
    assert add(store, FILE).counts["unchanged"] == 5
    whole = corrected(contacts, read_contacts(errors))
    assert store.add("c", whole.columns, whole.rows).counts["unchanged"] == 5


def test_a_rejected_row_is_replaced_when_its_reference_comes_with_a_good_number(store):
    add(store, FILE)
    assert add(store, FILE.replace(b"3.3E+10", b"+33142685303")).counts["ready"] == 1
    assert store.counts("c") == {"ready": 4, "duplicate": 1}


def test_other_columns_are_refused(store):
    add(store, FILE)
    with pytest.raises(InvalidInput, match="new 'city'") as caught:
        add(store, b"id,phone,name,city\n1,+33142685300,a,x\n")
    assert caught.value.code == "other_columns"
    assert store.counts("c") == {"ready": 3, "rejected": 1, "duplicate": 1}


def test_what_becomes_of_rows_is_written_and_read_in_batches(store):
    add(store, FILE)
    first, second, third = store.batch("c", states=["ready"])
    store.record("c", [Change(first.row.mark, "ended", {"outcome": "yes"}), Change(second.row.mark, "skipped")])
    store.record("c", [Change(first.row.mark, result={"outcome": "no"})])
    assert store.counts("c") == {"ready": 1, "rejected": 1, "duplicate": 1, "ended": 1, "skipped": 1}
    assert store.batch("c", limit=1)[0].result == {"outcome": "no"}
    assert [kept.place for kept in store.batch("c", states=["ended", "ready"], after=1)] == [third.place]


def test_a_row_that_is_not_there_undoes_the_whole_change(store):
    add(store, FILE)
    with pytest.raises(NotFound, match="'nobody'"):
        store.record("c", [Change("1", "ended"), Change("nobody", "ended")])
    assert "ended" not in store.counts("c")


def test_rows_are_added_while_the_file_is_read(store):
    data = b"phone\n" + b"".join(b"+3314268%04d\n" % n for n in range(1100))
    stream = stream_contacts(data, Options())
    counts = store.add("c", stream.columns, stream.rows).counts
    assert sum(counts.values()) == 1100
    places, after = [], 0
    while batch := store.batch("c", after=after, limit=400):
        places += [kept.place for kept in batch]
        after = places[-1]
    assert places == list(range(1, 1101))


def test_without_a_store_more_than_500_contacts_are_refused(store):
    refuse_without_store(500, None)
    refuse_without_store(501, store)
    with pytest.raises(InvalidInput, match=r"501 contacts.*SqliteContacts") as caught:
        refuse_without_store(501, None)
    assert caught.value.code == "store_needed"


def test_a_file_that_is_no_store_says_so(tmp_path: Path):
    (tmp_path / "x").write_text("not a database, but long enough to be taken for one" * 99)
    with pytest.raises(InvalidInput, match="cannot be used"):
        SqliteContacts(tmp_path / "x")


rows_of_a_file = st.lists(
    st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "bad", "+33142685300", "+33142685301"])),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(rows_of_a_file, min_size=1, max_size=3))
def test_states_add_up_over_any_number_of_readings(files):
    with SqliteContacts(":memory:") as store:
        for rows in files:
            data = "id,phone,x\n" + "".join(f"{id_},{phone},y\n" for id_, phone in rows)
            for _ in range(2):
                added = add(store, data.encode())
                assert sum(added.counts.values()) == len(rows)
                assert added.counts["row_conflict"] >= len(added.problems)
        kept = store.batch("c")
        assert store.counts("c") == Counter(each.state for each in kept)
        numbers = [each.row.phone.e164 for each in kept if each.state == "ready"]
        assert len(numbers) == len(set(numbers))
        assert len({each.row.mark for each in kept}) == len(kept)
