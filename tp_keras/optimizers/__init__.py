from tp_keras.optimizers.fused_adamw import FusedAdamW

__all__ = ["FusedAdamW"]
