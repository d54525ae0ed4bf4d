"""What people write when they want no more messages, in four languages, and what only looks like it."""
# ruff: noqa: RUF001 - people do write such letters

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.opt_words import LANGUAGES, LONGEST, normalised, opt_of

OUT = [
    # English
    "STOP", "stop", "Stop.", "STOP!!!", "  stop  ", "stop please", "Please stop", "stop sms", "STOP SMS", "stop texts",
    "stop whatsapp", "Stop messaging me", "stop sending me messages", "please stop sending these messages",
    "stop texting me!", "STOPALL", "Stop all", "unsubscribe", "Unsubscribe me please", "UNSUBSCRIBE",
    "I want to unsubscribe", "opt out", "Opt-out", "OPTOUT", "quit", "revoke", "cancel", "CANCEL", "Cancel.", "end",
    "END", "remove", "remove me from your list", "take me off the list", "no more messages", "No more texts please",
    "don't text me", "DON'T TEXT ME", "Don’t text me anymore", "do not contact me again", "leave me alone",
    "Stop. Thanks!", "_STOP_", "*stop*", "~stop~",
    "Hi, stop please", "Hello. Please stop texting me. Thank you", "stop 🙏", "🛑 STOP 🛑", "ＳＴＯＰ", "s\u200btop",
    "\ufeffSTOP\u200e",
    '"STOP"', "(stop)", "Stop\nplease", "can you please stop texting me", "stop it",
    # Dutch
    "afmelden", "Afmelden", "AFMELDEN!", "afmelden aub", "Graag afmelden", "stoppen", "stop aub", "stop met sms",
    "geen berichten meer", "Geen sms meer aub", "ik wil geen berichten meer ontvangen", "uitschrijven",
    "schrijf mij uit", "uit", "UIT.", "niet meer sturen", "Stop met sturen alstublieft", "stop svp", "afmelding",
    # Polish
    "rezygnuję", "REZYGNUJĘ", "rezygnuje", "Rezygnuję z SMS", "rezygnuję z wiadomości", "proszę mnie wypisać",
    "wypisz", "Wypisz mnie proszę", "stop proszę", "nie wysyłaj", "Proszę nie wysyłać wiadomości",
    "proszę nie wysyłać więcej smsów", "przestańcie pisać", "koniec", "KONIEC.", "koniec wiadomości",
    "nie chcę więcej sms", "usuń mój numer", "Dzień dobry. Proszę nie wysyłać więcej wiadomości. Pozdrawiam",
    # French
    "arrêt", "ARRET", "Arrêt.", "arrêtez", "Arrêtez s'il vous plaît", "stop svp", "STOP merci", "désabonner",
    "Désabonnez-moi", "desabonnement", "me désabonner svp", "je veux me désabonner", "désinscription",
    "plus de messages", "Plus de SMS svp", "ne m'écrivez plus", "Ne m’envoyez plus de messages", "fin", "arret sms",
    "supprimez mon numéro", "je souhaite ne plus recevoir de messages",
]  # fmt: skip
BACK = ["START", "start", "Start.", "start please", "UNSTOP", "unstop", "opt in", "Start again", "aanmelden", "wznów",
        "Start proszę", "reprendre", "start svp"]  # fmt: skip
NEITHER = [
    "", "   ", "?", "👍", "ok", "OK!", "yes", "no", "YES", "Thanks!", "dziękuję", "merci", "bedankt", "1", "2",
    # English
    "don't stop by, I'll be late", "Don't stop", "please do not stop", "non-stop", "nonstop", "I can't stop laughing",
    "Can I stop by earlier?", "which bus stop?", "the stop is at Main Street", "I'll stop at the salon at 5",
    "cancel my appointment", "please cancel", "Can I cancel?", "cancel?", "I need to cancel tomorrow",
    "CANCEL Tuesday's visit", "end of the week is fine", "When does it end?", "end?", "at the end", "weekend",
    "remove the second appointment", "please remove nail polish", "quit smoking session", "stop smoking course at 3",
    "when can I start?", "I start work at 9", "start at 10 please", "Stop at 10?", "Stop? No, keep sending them",
    "stopped", "I have stopped by already", "unsubscribed from what?", "full stop", "Stop the one on Monday",
    # Dutch
    "ik stop even bij de bakker", "uitstekend", "uit Amsterdam", "uit eten", "Ik kan niet, kan het een andere keer?",
    "wanneer is het uit?", "ik wil de afspraak afmelden voor morgen om drie uur", "annuleren", "non-stop open?",
    "Ik meld me af voor vandaag", "afspraak verzetten",
    # Polish
    "kiedy koniec wizyty?", "koniec?", "do końca tygodnia", "rezygnuję z wizyty", "Rezygnuję z jutrzejszego terminu",
    "nie", "NIE", "nie mogę przyjść", "nie chcę", "anuluj", "anuluj wizytę", "odwołuję", "przystanek stop", "na koniec",
    # French
    "l'arrêt de bus est où ?", "à quel arrêt ?", "fin de journée", "à la fin", "annuler", "annulez mon rendez-vous",
    "je ne peux plus venir", "plus de couleur svp", "arrêtez-vous au 3", "j'arrive, ne vous arrêtez pas",
    # Something else
    "STOP " * 60, "stop" + "p" * 300, "start stop", "stop start",
]  # fmt: skip


@pytest.mark.parametrize("text", OUT)
def test_whoever_says_so_is_out(text: str) -> None:
    assert opt_of(text) == "out"


@pytest.mark.parametrize("text", BACK)
def test_whoever_says_so_is_back(text: str) -> None:
    assert opt_of(text) == "back"


@pytest.mark.parametrize("text", NEITHER)
def test_whoever_says_something_else_is_neither(text: str) -> None:
    assert opt_of(text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_listed_phrase_is_understood_as_it_is_listed(language: str) -> None:
    known = LANGUAGES[language]
    assert {opt_of(phrase) for phrase in (*known.out, *known.alone)} == {"out"}
    assert {opt_of(phrase) for phrase in known.back} == {"back"}


PHRASES = [phrase for each in LANGUAGES.values() for phrase in each.out]
EDGES = st.text(alphabet=" .!,;:\n\t'\"()-*_~…🙏🛑", max_size=5)


@given(st.sampled_from(PHRASES), EDGES, EDGES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.booleans())
def test_case_accents_punctuation_and_emoji_make_no_difference(
    phrase: str, before: str, after: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"], upper: bool
) -> None:
    written = unicodedata.normalize(form, phrase.upper() if upper else phrase)
    assert opt_of(f"{before} {written} {after}") == opt_of(f"_{written}*") == "out"


@given(st.sampled_from(PHRASES), st.sampled_from(["appointment", "afspraak", "wizyta", "rendez-vous", "10:30"]))
def test_a_word_about_something_else_makes_it_a_message_like_any_other(phrase: str, about: str) -> None:
    assert opt_of(f"{phrase} {about}") is None
    assert opt_of(f"{about} {phrase}") is None


@given(st.text(max_size=2 * LONGEST))
def test_any_text_at_all_is_read(text: str) -> None:
    assert opt_of(text) in ("out", "back", None)
    assert normalised(normalised(text)) == normalised(text)
