"""The methods of debiasing in training, by their names in the settings."""

from tp_keras.debias_config import DEBIAS_METHODS
from tp_keras.debiasing.methods import adversarial
from tp_keras.debiasing.methods import conditional_mmd
from tp_keras.debiasing.methods import plain

_LAYERS = (
    plain.Plain,
    plain.Reweigh,
    plain.GroupDro,
    plain.DomainIndependent,
    adversarial.ReversedGradient,
    adversarial.ConditionalReversedGradient,
    conditional_mmd.ConditionalMmd,
)
METHODS = {
    name: {layer.__name__: layer for layer in _LAYERS}[method.layer]
    for name, method in DEBIAS_METHODS.items()
}
