"""How the learning rate goes up and down."""

import keras


def cosine_schedule(learning_rate, warmup_steps, steps):
    """Returns a linear warm-up to a peak, then a cosine to 0, in `steps`."""
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        decay_steps=max(steps - warmup_steps, 1),
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
