from tp_keras.models.vae.eigenfaces import Eigenfaces
from tp_keras.models.vae.geometry import to_uint8
from tp_keras.models.vae.likelihood_objective import LikelihoodObjective
from tp_keras.models.vae.portrait_vae import PortraitVAE
from tp_keras.models.vae.sharp_objective import SharpObjective

__all__ = [
    "Eigenfaces",
    "LikelihoodObjective",
    "PortraitVAE",
    "SharpObjective",
    "to_uint8",
]
