from tp_keras.generator.model.adversarial_decoder import AdversarialDecoder
from tp_keras.generator.model.encoder_training import EncoderTraining
from tp_keras.generator.model.geometry import to_uint8
from tp_keras.generator.model.portrait_vae import PortraitVAE

__all__ = ["AdversarialDecoder", "EncoderTraining", "PortraitVAE", "to_uint8"]
