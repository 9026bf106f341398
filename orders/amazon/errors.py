"""What a call to Amazon can end with besides an answer: three kinds, by what may have happened.

Who pays by a call must know which: only ``NotDone`` may be tried again, only ``Unclear`` may have
had an effect. For a pure read ``Unclear`` just means: later.
"""


class AmazonError(Exception):
    """A call without an answer. ``code`` is for machines, ``sentence`` for the person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class NotDone(AmazonError):
    """It certainly had no effect and may be tried again, after ``retry_after`` seconds if given."""

    def __init__(self, code: str, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(code, sentence)
        self.retry_after = retry_after


class Refusal(AmazonError):
    """It certainly had no effect, and the same call never will have one."""


class Unclear(AmazonError):
    """Nobody can say whether it had an effect: the answer was lost, broken or an error."""
