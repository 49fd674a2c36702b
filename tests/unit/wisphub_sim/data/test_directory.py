from wisphub_sim.data.directory import Directory


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
