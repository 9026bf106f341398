"""The one way a verb says no.

Doors translate it: pages show the sentence, the API answers 409, tasks log the code.
"""


class Refused(Exception):
    """A rule, a state or a permission forbids what was asked.

    ``code`` is stable and for machines, ``sentence`` is for the person: it names the cause and,
    where there is one, the next step.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
