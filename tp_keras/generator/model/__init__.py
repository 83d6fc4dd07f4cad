from tp_keras.generator.model.eigenfaces import Eigenfaces
from tp_keras.generator.model.geometry import to_uint8
from tp_keras.generator.model.objectives import LikelihoodObjective
from tp_keras.generator.model.objectives import SharpObjective
from tp_keras.generator.model.portrait_vae import PortraitVAE

__all__ = [
    "Eigenfaces",
    "LikelihoodObjective",
    "PortraitVAE",
    "SharpObjective",
    "to_uint8",
]
