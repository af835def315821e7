"""Where the time of a training goes."""

import time


class Stopwatch:
    """Adds up seconds by name: every moment belongs to the name that is called at its end.

    On a GPU the host runs ahead of the device, so the seconds are the host's.

    Example:
        >>> watch = Stopwatch()
        >>> watch.lap("forward")
        >>> list(watch.seconds)
        ['forward']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """What passed since the last call was `name`."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now
