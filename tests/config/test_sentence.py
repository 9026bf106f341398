"""Sentences: English at once, any language later, the same after JSON."""

import json
from decimal import Decimal

from config.core.sentence import Sentence, say

TEMPLATE = "%(units)s of %(ordered)s: %(net)s net, fee %(percent)s%%"
SENTENCE = say(TEMPLATE, units=3, ordered=10, net=Decimal("1386.10"), percent=Decimal(20))


def test_sentence_is_english():
    assert str(SENTENCE) == "3 of 10: 1,386.10 net, fee 20%"


def test_sentence_renders_in_another_language():
    german = {TEMPLATE: "%(units)s von %(ordered)s: %(net)s netto"}
    assert SENTENCE.render(german.__getitem__, "de") == "3 von 10: 1.386,10 netto"


def test_sentence_survives_json():
    assert Sentence.from_json(json.loads(json.dumps(SENTENCE.to_json()))) == SENTENCE
