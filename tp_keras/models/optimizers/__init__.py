from tp_keras.models.optimizers.cosine_schedule import cosine_schedule
from tp_keras.models.optimizers.fused_adamw import FusedAdamW

__all__ = ["FusedAdamW", "cosine_schedule"]
