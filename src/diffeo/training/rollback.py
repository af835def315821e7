"""Going back to the last checkpoint where numbers ran away, and not for ever."""

from diffeo.training.result import TrainingDiverged
from diffeo.training.state import State

SKIPS_ALLOWED = 10  # steps without finite gradients, one after the other
ATTEMPTS = 4  # the first and three more, each from the last good checkpoint with half the learning rate


class Rollback:
    """Back to the last checkpoint, where `attempt` goes up by one: another order and noise, half the learning rate.

    The retries are counted beside the state, which going back restores: they run out.

    Args:
        state: of the training.
    """

    def __init__(self, state: State):
        self.state = state
        self.retries = iter(range(state.at.attempt + 1, ATTEMPTS))

    @property
    def due(self) -> bool:
        """Whether too many steps in a row were left out."""
        return self.state.at.in_a_row >= SKIPS_ALLOWED

    def go_back(self) -> None:
        """To the last checkpoint.

        Raises:
            TrainingDiverged: if that was done three times before; the flow has its best weights then.
        """
        state, watch = self.state, self.state.task.watch
        attempt, cause = next(self.retries, None), state.incidents[-1] if state.incidents else ""
        lost = state.at.lost + watch.elapsed()
        state.restore(state.good)
        at = state.at
        if attempt is None:
            state.settle()
            raise TrainingDiverged(
                f"no finite gradients for {SKIPS_ALLOWED} steps in a row, {ATTEMPTS} times, with the learning "
                f"rate halved each time. The flow has its last good weights. {cause}"
            )
        at.attempt, at.lost = attempt, lost - at.seconds
        state.task.bar.say(f"back to step {at.step}, with half the learning rate: {cause}")
        state.log.truncate(at.step, at.log)
        state.preserve()
