from tp_keras.generator.model.eigenfaces import Eigenfaces
from tp_keras.generator.model.geometry import to_uint8
from tp_keras.generator.model.likelihood_objective import LikelihoodObjective
from tp_keras.generator.model.portrait_vae import PortraitVAE
from tp_keras.generator.model.sharp_objective import SharpObjective

__all__ = [
    "Eigenfaces",
    "LikelihoodObjective",
    "PortraitVAE",
    "SharpObjective",
    "to_uint8",
]
