from tp_keras.optimizers.cosine_schedule import cosine_schedule
from tp_keras.optimizers.fused_adamw import FusedAdamW

__all__ = ["FusedAdamW", "cosine_schedule"]
