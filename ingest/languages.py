"""Names of fields in other languages than English, and with the kind of the value before them.

A name is taken apart into its words, and these are put into English: `ereignisTyp` is `event_type`,
`id_evento_origen` is `source_event_id`, `strService` is `service`. What comes of it counts only where it is a
name that is known (vocabulary.py): a word alone may mean anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_WORDS: Final = {
    "account": "acct konto cuenta conta compte rekening",
    "action": "aktion accion acao azione actie",
    "aggregate": "aggregat agregado agregat",
    "application": "anwendung aplicacion aplicacao applicazione toepassing",
    "attempt": "versuch intento tentativa tentative tentativo poging",
    "body": "koerper cuerpo corpo corps",
    "by": "durch von por par da door",
    "cause": "ursache causa oorzaak",
    "caused": "verursacht causado causada causato causata provocado provocada causee veroorzaakt",
    "channel": "kanal canal canale kanaal",
    "consumed": "konsumiert consumido consomme consumato",
    "content": "inhalt contenido conteudo contenu contenuto inhoud",
    "context": "kontext contexto contexte contesto",
    "correlation": "corr korrelation korrelations correlacion correlacao correlazione correlatie",
    "created": "erstellt erzeugt angelegt creado criado cree creato aangemaakt",
    "customer": "cust kunde kunden cliente klant",
    "data": "daten datos dados donnees dati gegevens",
    "date": "datum fecha",
    "datetime": "datumzeit fechahora datahora dateheure dataora datumtijd",
    "destination": "ziel destino destinazione bestemming",
    "device": "geraet dispositivo appareil apparaat",
    "direction": "richtung direccion sentido direcao sens direzione richting",
    "event": "evt ereignis ereignisse evento evenement gebeurtenis",
    "flow": "flujo fluxo flux flusso",
    "header": "hdr kopf kopfdaten cabecera encabezado cabecalho entete intestazione",
    "headers": "koepfe kopfzeilen cabeceras encabezados cabecalhos entetes intestazioni",
    "host": "rechner anfitrion hote",
    "id": "kennung identificador identifiant identificativo",
    "instance": "inst instanz instancia istanza instantie",
    "key": "schluessel clave chave cle chiave sleutel",
    "kind": "soort",
    "level": "ebene stufe nivel niveau livello",
    "machine": "maschine maquina macchina",
    "message": "nachricht nachrichten mensaje mensagem messaggio bericht",
    "metadata": "metadaten metadatos metadados metadonnees metadati metagegevens",
    "name": "nombre nome nom naam",
    "node": "knoten nodo noeud knooppunt",
    "number": "nummer numero",
    "occurred": "eingetreten ocurrido ocorrido survenu avvenuto",
    "operation": "vorgangsart operacion operacao operazione operatie",
    "order": "auftrag auftrags bestellung bestell pedido commande ordine bestelling",
    "parent": "eltern padre pai genitore ouder",
    "partition": "particion particao partizione partitie",
    "payload": "nutzdaten nutzlast",
    "previous": "prev vorige vorheriges voriges anterior precedent precedente",
    "predecessor": "vorgaenger predecesor antecessor predecesseur voorganger",
    "properties": "eigenschaften propiedades propriedades proprietes proprieta eigenschappen",
    "queue": "warteschlange cola fila coda wachtrij",
    "processed": "verarbeitet procesado processado traite elaborato verwerkt",
    "published": "veroeffentlicht publicado publie pubblicato gepubliceerd",
    "received": "empfangen recibido recebido recu ricevuto ontvangen",
    "recorded": "aufgezeichnet registriert registrado enregistre registrato geregistreerd",
    "reply": "antwort respuesta resposta reponse risposta antwoord",
    "sent": "gesendet versendet enviado envoye inviato verzonden",
    "sequence": "sequenz folge laufende secuencia sequencia sequenza volg",
    "server": "servidor serveur",
    "service": "svc dienst servicio servico servizio",
    "session": "sitzung sitzungs sesion sessao sessione sessie",
    "severity": "schweregrad severidad severidade severite gravedad gravidade gravite gravita",
    "source": "quelle quell origen origem origine bron",
    "stream": "strom",
    "time": "zeit momento tijd",
    "timestamp": "zeitstempel zeitpunkt zeitmarke horodatage tijdstempel tijdstip",
    "topic": "thema tema topico sujet argomento onderwerp",
    "triggered": "ausgeloest disparado disparada desencadenado declenche scatenato",
    "type": "typ tipo",
    "user": "benutzer nutzer usuario utilisateur utente gebruiker",
    "version": "versao versione versie",
}  # fmt: skip
_PHRASES: Final = {
    "fecha hora": "datetime", "data hora": "datetime", "date heure": "datetime", "data ora": "datetime",
    "data evento": "event date", "datum zeit": "datetime", "datum uhrzeit": "datetime",
    "marca tiempo": "timestamp",
    "carimbo tempo": "timestamp", "zeit stempel": "timestamp", "lauf nummer": "sequence number",
    "laufnummer": "sequence number", "lfd nr": "sequence number", "lfdnr": "sequence number",
    "laufende nr": "sequence number", "volgnummer": "sequence number", "charge utile": "payload",
    "carga util": "payload", "cause par": "caused by", "en tete": "header",
    "en tetes": "headers", "file attente": "queue",
    "kundennummer": "customer id", "bestellnummer": "order number", "auftragsnummer": "order number",
    "ereignisart": "event type", "ereignistyp": "event type", "ereignisname": "event name",
    "ereignisnummer": "event number", "ereignis art": "event type", "nachrichtenart": "message type",
    "nachrichtentyp": "message type", "dienstname": "service name", "rechnername": "host name",
}  # fmt: skip
"""What its words alone do not say."""
_ENGLISH: Final = {word: english for english, words in _WORDS.items() for word in words.split()}
_LINKS: Final = frozenset(
    {
        "de", "del", "du", "des", "der", "do", "dos", "da", "d", "le", "la", "el", "il", "en", "em", "am",
        "um", "at", "a",
    }
)  # fmt: skip
"""Words between others: `tipo_de_evento`, `enviado_en`, `erstellt_am`."""
_OTHERWISE_ALONE: Final = frozenset({"folge", "laufende", "strom", "volg"})
"""Words that mean another thing when nothing stands beside them: an episode, electricity."""
_SPELT: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "œ": "oe"}
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TYPED: Final = re.compile(r"(?:l?psz|str|sz|dt|ts|int|lng|dbl|guid|obj|arr|[bins])(?=[A-Z])")
_SHORT: Final = 2
"""Letters that are no name behind a letter alone: `sId` is that of a session."""


def translations(name: str) -> Iterator[str]:
    """What a name may be in English, its words in the order of English or as they stand."""
    if typed := _TYPED.match(name):
        bare = name[typed.end() :]
        if typed.end() > 1 or len(bare) > _SHORT:
            yield bare
    words = _words(name)
    for joined in (" ".join(words), " ".join(word for word in words if word not in _LINKS)):
        if joined in _PHRASES:
            yield _PHRASES[joined]
    if not words or (name.isascii() and _ENGLISH.keys().isdisjoint(words)):
        return
    if len(words) == 1 and words[0] in _OTHERWISE_ALONE:
        return
    english = [_ENGLISH.get(word, word) for word in words if word in _ENGLISH or word not in _LINKS]
    yield "_".join(english)
    if words[-1] in _LINKS:
        yield "_".join((*english, "at"))
    if len(english) > 1:
        yield "_".join(reversed(english))


def _words(name: str) -> list[str]:
    plain = name.translate(_SPELT)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
        if any(letter.isalpha() and not letter.isascii() for letter in plain):
            return []  # of another script, whose words are not known
    return [word.lower() for word in _WORD.findall(plain.encode("ascii", "ignore").decode())]
