"""How the learning rate goes up and down."""

import keras


def cosine_schedule(learning_rate, warmup_steps, steps):
    """Returns the schedule: a linear warm-up, then a cosine to 0.

    Args:
        learning_rate: Float. The peak.
        warmup_steps: Int. Steps from 0 to the peak; they count as part of
            `steps`.
        steps: Int. Steps in all.
    """
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        decay_steps=max(steps - warmup_steps, 1),
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
