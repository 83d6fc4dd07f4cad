from tp_keras.generator.model.adversarial_vae import AdversarialVAE
from tp_keras.generator.model.geometry import to_uint8
from tp_keras.generator.model.portrait_vae import PortraitVAE

__all__ = ["AdversarialVAE", "PortraitVAE", "to_uint8"]
