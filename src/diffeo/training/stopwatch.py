"""Where the time of a training goes."""

import time
from collections.abc import Mapping


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
        self.began = self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """What passed since the last call was `name`."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.began

    def go_on(self, seconds: float, by_name: Mapping[str, float]) -> None:
        """As if a training that had used so many seconds by its last checkpoint had never stopped.

        What passed since the watch was made is no lap yet.
        """
        self.seconds, self.last = dict(by_name), self.began
        self.began -= seconds
