"""Photos that were answered, for as long as somebody looks at them."""

import collections
import dataclasses
import secrets
import threading
import time
from collections.abc import Callable

from tp_keras.serving import PhotoAnswer

# Seconds after which a photo is forgotten, and how many are remembered.
_SECONDS = 1800
_MOST = 64


@dataclasses.dataclass
class Shelved:
    """A photo's answer, and pictures made of it when they are asked for.

    Attributes:
        answer: `PhotoAnswer`.
        is_sample: Whether it is a sample portrait, not an uploaded photo.
        since: When it was put here, in seconds of `time.monotonic`.
    """

    answer: PhotoAnswer
    is_sample: bool = False
    since: float = dataclasses.field(default_factory=time.monotonic)
    _made: dict = dataclasses.field(default_factory=dict)
    _lock: threading.RLock = dataclasses.field(default_factory=threading.RLock)

    def once(self, key, make: Callable):
        """Returns what `make` returns, made at the first call with this key."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]


class Shelf:
    """Keeps answers in memory, under names that nobody guesses."""

    def __init__(self):
        self._answers: collections.OrderedDict[str, Shelved] = (
            collections.OrderedDict()
        )
        self._lock = threading.Lock()

    def put(self, shelved: Shelved) -> str:
        """Keeps an answer and returns its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_old()
            self._answers[name] = shelved
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        return name

    def get(self, name: str) -> Shelved | None:
        """Returns an answer, or None if it was forgotten."""
        with self._lock:
            self._forget_old()
            return self._answers.get(name)

    def forget(self, name: str) -> None:
        """Forgets an answer."""
        with self._lock:
            self._answers.pop(name, None)

    def _forget_old(self):
        limit = time.monotonic() - _SECONDS
        # In the order in which they came.
        for name in list(self._answers):
            if self._answers[name].since > limit:
                break
            del self._answers[name]
