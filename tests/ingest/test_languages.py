"""Names of fields in other languages, and with the kind of the value before them."""

from __future__ import annotations

import pytest

from ingest.vocabulary import normalise


@pytest.mark.parametrize(
    ("names", "english"),
    [
        ("ereignisTyp Ereignis-Typ ereignistyp tipo_evento tipo_de_evento tipoDoEvento", "eventtype"),
        ("zeitstempel horodatage marca_de_tiempo strTimestamp", "timestamp"),
        ("dienst servicio serviço servizio strService", "service"),
        ("id_evento idEvento ereignisId événement_id nEventId", "eventid"),
        ("id_evento_origen idEventoOrigem", "sourceeventid"),
        ("enviado_en envoyé_le inviato_il", "sentat"),
        ("Schlüssel schluessel clé chave", "key"),
        ("entêtes cabeceras", "headers"),
        ("corrélation korrelation", "correlation"),
    ],
)
def test_what_is_a_known_name_in_english_is_that_name(names: str, english: str) -> None:
    assert {normalise(name) for name in names.split()} == {english}


@pytest.mark.parametrize(
    "name",
    [
        "event_data", "eTag", "sId", "uId", "timeZone", "numero", "file", "nameSpace", "時刻", "_", "",
        "顧客ID", "用户Id", "订单type", "ключ_key", "strom", "folge",
    ],
)  # fmt: skip
def test_others_stay_as_they_are(name: str) -> None:
    assert normalise(name) == name.replace("_", "").lower()
