import json
from collections import Counter

import msgspec
import pytest

from wisphub_sim.data.people import REFERENCE_ID, holder_of
from wisphub_sim.data.records import ODDITIES, SECRET_PREFIX, client_record

FIELDS = """
id_servicio usuario nombre email cedula direccion localidad ciudad telefono descuento saldo rfc
informacion_adicional notificacion_sms aviso_pantalla notificaciones_push auto_activar_servicio
firewall servicio password_servicio server_hotspot ip ip_local estado modelo_antena password_cpe
mac_cpe interfaz_lan modelo_router_wifi ip_router_wifi mac_router_wifi usuario_router_wifi
password_router_wifi ssid_router_wifi password_ssid_router_wifi comentarios coordenadas
costo_instalacion precio_plan forma_contratacion sn_onu estado_facturas fecha_instalacion
fecha_cancelacion fecha_corte ultimo_cambio plan_internet zona router sectorial tecnico
"""


@pytest.fixture(scope="module")
def records():
    return [client_record(1, service_id) for service_id in range(1, 2001)]


def test_the_reference_record_is_the_same_under_every_seed():
    for seed in (1, 2, 99):
        record = client_record(seed, REFERENCE_ID)
        assert record["nombre"] == "Esperanza Benitez"
        assert record["direccion"] == "BELLAVISTA"
        assert record["precio_plan"] == "40000.00"
        assert record["plan_internet"] == {"id": 11, "nombre": "Plan Hogar 5 Megas"}


def test_nobody_else_is_called_or_lives_like_the_reference_record(records):
    others = [json.dumps(row, ensure_ascii=False).lower() for row in records if row["id_servicio"] != 7]
    assert not [row for row in others if "benitez" in row or '"direccion": "bellavista' in row]


def test_the_same_seed_gives_the_same_record_and_another_seed_another():
    assert client_record(1, 300) == client_record(1, 300)
    assert client_record(1, 300) != client_record(2, 300)


def test_a_record_has_every_field_of_the_contract():
    assert set(client_record(1, REFERENCE_ID)) == set(FIELDS.split())


def test_a_record_is_about_one_and_a_half_kilobytes(records):
    sizes = [len(msgspec.json.encode(record)) for record in records]
    assert 1300 < sum(sizes) / len(sizes) < 1900


def test_every_password_is_recognisable_in_a_log(records):
    secrets = [value for row in records for field, value in row.items() if field.startswith("password")]
    assert secrets
    assert all(secret.startswith(SECRET_PREFIX) for secret in secrets)


def test_every_row_has_a_usable_id(records):
    assert [int(record["id_servicio"]) for record in records] == list(range(1, 2001))


@pytest.mark.parametrize("name", ["Esperanza", "Rodriguez", "Martinez", "Lopez", "ñ", "é"])
def test_searched_names_are_frequent(records, name):
    assert sum(name in record["nombre"] for record in records) > 20


def test_some_people_hold_several_services_and_share_a_phone(records):
    documents = Counter(record.get("cedula") for record in records)
    phones = Counter(record.get("telefono") for record in records)
    assert sum(count > 1 for document, count in documents.items() if document) > 50
    assert sum(count > 1 for phone, count in phones.items() if phone) > 50


def test_different_people_share_a_name():
    people = {person.document: person.full_name for person in (holder_of(1, n) for n in range(1, 2001))}
    assert max(Counter(people.values()).values()) > 1


def test_values_come_in_every_shape_a_client_must_survive(records):
    def shapes(field):
        return {type(record[field]) for record in records if field in record}

    assert shapes("telefono") == {str, int, type(None)}
    assert shapes("cedula") == {str, int}
    assert shapes("id_servicio") == {str, int}
    assert shapes("precio_plan") == {str, float, type(None)}
    assert shapes("plan_internet") == shapes("zona") == shapes("tecnico") == {dict, type(None)}


def test_prices_may_be_unknown(records):
    prices = {record["precio_plan"] for record in records}
    assert {"", "0", "0.00"} <= prices


def test_fields_may_be_missing_and_new_ones_appear(records):
    assert any("zona" not in record for record in records)
    assert any("etiquetas" in record for record in records)


def test_documents_are_numbers_nits_and_foreign_ids(records):
    documents = [str(record["cedula"]) for record in records]
    assert any(document.startswith("PEP") for document in documents)
    assert any("-" in document for document in documents)
    assert any(document.isdigit() for document in documents)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_each_oddity_changes_a_record(oddity):
    record = client_record(1, REFERENCE_ID)
    oddity(record)
    assert record != client_record(1, REFERENCE_ID) or record["precio_plan"] == 40000.0


def test_an_oddity_leaves_a_document_with_letters_a_text():
    record = client_record(1, REFERENCE_ID) | {"cedula": "PEP1234"}
    ODDITIES[1](record)
    assert record["cedula"] == "PEP1234"
