import pytest

from wisphub_sim.data.directory import Directory, Roster


def test_a_service_that_came_later_is_found_by_its_document():
    directory = Directory(1, 10)
    directory.insert(1)
    document = str(directory.record(11)["cedula"])
    assert directory.matching({"cedula": document}) == directory.rows(0, 1)


def test_a_service_that_is_gone_is_not_found():
    directory = Directory(1, 10)
    directory.delete(1)
    assert 1 not in directory
    assert directory.matching({"id_servicio": "1"}) == []


def test_a_name_edited_in_part_keeps_the_other_part():
    directory = Directory(1, 10)
    directory.edit(7, {"nombre": "Luz"})
    assert directory.record(7)["nombre"] == "Luz Benitez"


def everything(roster):
    return roster.page(0, len(roster))


def test_it_begins_with_every_service_in_order():
    assert everything(Roster(10)) == list(range(1, 11))


@pytest.mark.parametrize(("size", "ids"), [(1, [7]), (3, [1, 2, 7]), (6, [1, 2, 3, 4, 5, 7])])
def test_the_reference_record_is_there_however_few_there_are(size, ids):
    roster = Roster(size)
    assert everything(roster) == ids
    assert len(roster) == size
    assert 7 in roster


def test_pages_cut_across_the_changed_head():
    roster = Roster(10)
    roster.insert(2)
    assert roster.page(1, 3) == [11, 1, 2]
    assert roster.page(3, 3) == [2, 3, 4]
    assert roster.page(12, 3) == []


def test_an_insertion_counts_and_its_ids_are_new():
    roster = Roster(10)
    roster.insert(2)
    assert len(roster) == 12
    assert roster.head() == [12, 11]
    assert 12 in roster


def test_a_deletion_takes_the_front_but_never_the_reference_record():
    roster = Roster(10)
    roster.delete(8)
    assert everything(roster) == [7, 10]
    assert 1 not in roster
    roster.delete(8)
    assert everything(roster) == [7]


def test_a_deletion_takes_what_was_inserted_first():
    roster = Roster(10)
    roster.insert(2)
    roster.delete(2)
    assert everything(roster) == list(range(1, 11))
