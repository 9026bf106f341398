"""What ties and what does not, kept as rows: one ``Match`` a refund, one for each untied money.

``rules.py`` holds the days, the sentences and what people may answer; ``sql.py`` the set-based
comparison; ``refresh.py`` runs it; ``exceptions.py`` are the verbs of people. Tying money to
refunds happens before, in ``invoicing/matching.py``; the rooms above add what they know of a
refund (case, goods) by ``refresh.add_above``.
"""
