"""Made results of trials."""

from tp_keras.tuning.trial import TrialResult


def make_result(trial_id="0", **figures):
    return TrialResult(
        **{
            "trial_id": trial_id,
            "status": "completed",
            "values": {
                "block_type": "residual",
                "stem_stride": 2,
                "stem_channels": 16,
                "width": 32,
                "depth": 1,
                "learning_rate": 0.004,
                "augment_strength": 0.5,
                "label_smoothing": 0.1,
                "weight_decay": 0.25,
                "dropout_rate": 0.3,
            },
            "backbone": "PortraitBackbone(...)",
            "budget_seconds": 60.0,
            "config": {},
            "seconds": 66.0,
            "score": 0.8,
            "accuracies": {"gender": 0.9, "hair_color": 0.7},
            "latency_ms": 0.5,
            "images_per_second": 1234.5,
            "parameters": 543_210,
            "epochs": 12,
            "examples_seen": 12_000,
            "train_seconds": 61.0,
            **figures,
        }
    )
