"""What people write when they want no more messages, or want them again: loose text in the product's languages.

A reply counts if nothing else is in it: each of its sentences is the request itself, with the words that usually go
with it ("stop sms please"), or a courtesy; one sentence at least is the request. So "don't stop by, I'll be late" is a
message like any other. A few words also mean the appointment (CANCEL, END, KONIEC, UIT): they count only when they are
the whole reply, as American law and the carriers read them; `docs/decisions.md` says why.

A new language is one entry in `LANGUAGES`, written as people write it; everything is compared without accents, case
and punctuation.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from carillon.domain.consents import Opt
from carillon.domain.values import value

LONGEST = 200
"""Characters; nobody needs more to say that he wants no more."""


@value
class Language:
    """How a language says it.

    `out`: phrases that are the request. `alone`: words that are, if they are the whole reply. `back`: words that take
    it back, if they are the whole reply but for what goes with them. `along`: words that may stand beside a phrase of
    `out` or `back` without changing it. `courtesy`: sentences that may stand beside it.
    """

    out: tuple[str, ...]
    alone: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    along: str = ""
    courtesy: tuple[str, ...] = ()


LANGUAGES: dict[str, Language] = {
    "en": Language(
        out=(
            "stop", "stopall", "stop it", "stop this", "quit", "revoke", "unsubscribe", "unsub", "opt out", "opt-out",
            "optout", "opt me out", "remove me", "take me off", "no more messages", "no more texts", "no more sms",
            "no more reminders", "do not text me", "don't text me", "do not message me", "don't message me",
            "do not contact me", "don't contact me", "stop texting", "stop texting me", "stop messaging",
            "stop messaging me", "stop contacting me", "stop sending", "stop sending me", "stop writing me",
            "leave me alone", "remove my number", "delete my number",
        ),
        alone=("cancel", "end", "remove"),
        back=("start", "unstop", "resubscribe", "opt in", "opt-in", "optin"),
        along="""please pls plz now sms text texts message messages msg msgs whatsapp telegram viber reminder reminders
            notification notifications all any more anymore immediately from your list the these this thanks thank you
            ok okay hi hello i want to would like wish can could again receiving getting me""",
        courtesy=("thanks", "thank you", "thx", "please", "hi", "hello", "ok", "okay", "sorry", "kind regards"),
    ),
    "nl": Language(
        out=(
            "stop", "stoppen", "ik wil stoppen", "afmelden", "afmelding", "ik wil me afmelden", "ik wil mij afmelden",
            "uitschrijven", "schrijf me uit", "schrijf mij uit", "geen berichten meer", "geen sms meer",
            "geen smsjes meer", "geen herinneringen meer", "geen whatsapp meer", "geen appjes meer",
            "ik wil geen berichten meer", "ik wil geen sms meer", "ik wil geen herinneringen meer",
            "stop met sturen", "niet meer sturen", "niet meer appen", "niet meer smsen", "verwijder mijn nummer",
        ),
        alone=("uit", "einde"),
        back=("start", "aanmelden", "hervatten"),
        along="""aub alsjeblieft alstublieft svp graag nu direct sms smsjes whatsapp app appjes bericht berichten
            berichtjes herinnering herinneringen alle alles deze die dit met de het van mij me u jullie kunt kun je
            bedankt dank meer weer ok oke telegram viber ontvangen krijgen voor""",
        courtesy=("bedankt", "dank u", "dank je", "dankjewel", "dank u wel", "graag", "hallo", "hoi", "dag", "groet",
                  "groetjes", "mvg", "sorry", "aub"),
    ),
    "pl": Language(
        out=(
            "stop", "rezygnuję", "rezygnacja", "wypisz", "wypisz mnie", "wypisuję się", "wypisanie",
            "proszę mnie wypisać", "wyrejestruj", "wyrejestruj mnie", "nie wysyłaj", "nie wysyłać", "nie wysyłajcie",
            "nie pisz", "nie piszcie", "nie pisać", "nie chcę wiadomości", "nie chcę sms", "nie chcę smsów",
            "nie chcę więcej", "nie chcę przypomnień", "nie życzę sobie wiadomości", "nie życzę sobie sms",
            "usuń mój numer", "usunąć mój numer", "usuńcie mój numer", "przestań", "przestańcie",
            "przestańcie wysyłać", "przestań wysyłać", "przestańcie pisać", "przestań pisać", "koniec wiadomości",
            "koniec sms",
        ),
        alone=("koniec",),
        back=("start", "wznów", "wznawiam"),
        along="""prosze pls natychmiast teraz juz sms smsy smsow whatsapp wiadomosc wiadomosci powiadomien powiadomienia
            przypomnien przypomnienia wszystkie wszystkich tych tego te to z ze mi mnie do od ponownie o dziekuje dzieki
            wiecej zadnych takich ok telegram viber otrzymywania otrzymywac dostawac""",
        courtesy=("dziękuję", "dzięki", "proszę", "dzień dobry", "cześć", "pozdrawiam", "przepraszam", "witam"),
    ),
    "fr": Language(
        out=(
            "stop", "arrêt", "arrêtez", "arrête", "arrêter", "stopper", "désabonner", "désabonnement", "me désabonner",
            "désabonnez-moi", "désabonnez moi", "désabonne-moi", "je me désabonne", "désinscrire", "désinscription",
            "me désinscrire", "désinscrivez-moi", "désinscrivez moi", "je me désinscris", "plus de messages",
            "plus de message", "plus de sms", "plus de rappels", "plus aucun message", "ne plus recevoir",
            "ne m'écrivez plus", "ne m'écris plus", "ne m'envoyez plus", "arrêtez de m'écrire",
            "arrêtez de m'envoyer", "arrêtez d'envoyer", "supprimez mon numéro", "retirez-moi", "retirez mon numéro",
        ),
        alone=("fin",),
        back=("start", "reprendre", "réactiver", "réabonner", "me réabonner"),
        along="""svp stp sil s il vous te plait merci maintenant immediatement sms texto textos message messages
            whatsapp rappel rappels notification notifications tous toutes tout les des de d ces ce vos la liste je veux
            voudrais souhaite aimerais ok bonjour telegram viber""",
        courtesy=("merci", "merci beaucoup", "svp", "s'il vous plaît", "bonjour", "bonsoir", "cordialement", "désolé",
                  "ok"),
    ),
}  # fmt: skip

_PARTING = re.compile(r"[.!?;\n\r]+")
_APOSTROPHES = "'\u2019\u02bc`\u00b4"
_NOT = re.compile(f"(?<=n)[{_APOSTROPHES}](?=t)", re.IGNORECASE)
_DASH = re.compile(r"(?<=\w)[-\u2010-\u2015](?=\w)")
_BETWEEN = re.compile(r"[^\w]+")
_NO_DECOMPOSITION = str.maketrans("łŁøØđĐı", "llooddi")
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
_LONGEST_PHRASE = 5


def opt_of(text: str) -> Opt | None:
    """Say what a reply asks for: `out`, `back`, or nothing of the kind (None)."""
    if not text or len(text) > LONGEST:
        return None
    sentences = [words for part in _PARTING.split(text) if (words := normalised(part))]
    if not sentences:
        return None
    # "Koniec?" asks when it is over.
    whole = len(sentences) == 1 and "?" not in text
    asked = {_asked(sentence, whole=whole) for sentence in sentences}
    for opt in ("out", "back"):
        if opt in asked and asked <= {opt, "courtesy"}:
            return opt
    return None


def normalised(text: str) -> str:
    """Write a text as words alone: without accents, case, punctuation and emoji, one blank between them.

    What a dash joins stays one word ("non-stop"), and so does "don't"; elsewhere an apostrophe parts words, as in
    French.
    """
    # Apostrophes first: some of them are letters with an accent to Unicode.
    plain = _NOT.sub("", text)
    plain = unicodedata.normalize("NFKD", _DASH.sub("_", plain)).translate(_NO_DECOMPOSITION)
    plain = "".join(char for char in plain if unicodedata.category(char) not in _INVISIBLE).casefold()
    return " ".join(word for text in _BETWEEN.split(plain) if (word := text.strip("_")))


def _asked(sentence: str, *, whole: bool) -> str | None:
    """Say what one sentence asks for, in whichever of the languages."""
    known = _languages()
    if whole and any(sentence in each.alone for each in known):
        return "out"
    if any(sentence in each.courtesy for each in known):
        return "courtesy"
    words = sentence.split()
    if any(_stands_in(words, each.out, each.along) for each in known):
        return "out"
    return "back" if any(_stands_in(words, each.back, each.along) for each in known) else None


def _stands_in(words: Sequence[str], phrases: frozenset[str], along: frozenset[str]) -> bool:
    """Whether one of the phrases stands in a sentence with nothing around it but words that go along."""
    for begin in range(len(words)):
        for end in range(begin + 1, min(len(words), begin + _LONGEST_PHRASE) + 1):
            around = (*words[:begin], *words[end:])
            if " ".join(words[begin:end]) in phrases and along.issuperset(around):
                return True
    return False


@value
class _Known:
    out: frozenset[str]
    alone: frozenset[str]
    back: frozenset[str]
    along: frozenset[str]
    courtesy: frozenset[str]


@lru_cache(maxsize=1)
def _languages() -> tuple[_Known, ...]:
    return tuple(
        _Known(
            out=frozenset(map(normalised, each.out)),
            alone=frozenset(map(normalised, each.alone)),
            back=frozenset(map(normalised, each.back)),
            along=frozenset(each.along.split()),
            courtesy=frozenset(map(normalised, each.courtesy)),
        )
        for each in LANGUAGES.values()
    )
