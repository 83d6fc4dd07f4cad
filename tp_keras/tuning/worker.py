"""A process of a search: `python -m tp_keras.tuning.worker FOLDER PARENT`.

Started by `tp_keras.tuning.workers`, whose process `PARENT` is; the
environment says which one it is.
"""

import os
import sys
import threading
import time

_LOOK_SECONDS = 1.0


def main(path) -> None:
    """Chooses trials for others, or runs those that the chief chooses."""
    from tp_keras.tuning.oracle import is_worker
    from tp_keras.tuning.portrait_tuner import PortraitTuner
    from tp_keras.tuning.search import search_alone
    from tp_keras.tuning.search_settings import SearchFolder

    folder = SearchFolder(path)
    if is_worker():
        search_alone(folder)
    else:
        PortraitTuner(folder, portraits=None, meter=None).search()


def end_with(parent) -> None:
    """Ends this process as soon as `parent` isn't its parent any more.

    A parent that was killed can't end its children, and they would wait an
    hour for each other.
    """

    def watch():
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with(parent=int(sys.argv[2]))
    main(sys.argv[1])
