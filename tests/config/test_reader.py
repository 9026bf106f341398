"""Who reads: asked anew each time, but once while a template is drawn; words by language."""

from django.utils import timezone, translation

from config.core.reader import reader, reading, word_of


def test_reader_is_asked_anew_outside_a_drawing():
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        german = reader()
        assert (german.language, german.zone.key) == ("de", "Asia/Tokyo")
    with translation.override("fr"):
        assert reader().language == "fr"
    assert reader().now > german.now


def test_reader_is_kept_while_a_template_is_drawn_and_forgotten_after():
    with translation.override("de"), reading():
        kept = reader()
        with translation.override("fr"):
            assert reader() is kept
    assert reader() is not kept
    assert reader().language == "en"


def test_word_of_a_code_follows_the_reader_and_an_unknown_code_stays():
    word = word_of([("de", translation.gettext_lazy("German"))])
    with translation.override("en"):
        assert (word("de"), word("tlh")) == ("German", "tlh")
    with translation.override("ja"):
        assert word("de") == translation.gettext("German")
