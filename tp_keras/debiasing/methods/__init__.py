from tp_keras.debiasing.methods.adversarial import ConditionalReversedGradient
from tp_keras.debiasing.methods.adversarial import ReversedGradient
from tp_keras.debiasing.methods.conditional_mmd import ConditionalMmd
from tp_keras.debiasing.methods.domain_independent import DomainIndependent
from tp_keras.debiasing.methods.group_dro import GroupDro
from tp_keras.debiasing.methods.plain import Plain
from tp_keras.debiasing.methods.reweigh import Reweigh

# Name of DebiasConfig.debias -> what it does in training. `subsample` trains
# plainly, on chosen rows.
METHODS = {
    "none": Plain,
    "reweigh": Reweigh,
    "subsample": Plain,
    "group_dro": GroupDro,
    "grl": ReversedGradient,
    "conditional_grl": ConditionalReversedGradient,
    "conditional_mmd": ConditionalMmd,
    "domain_independent": DomainIndependent,
}

# The model of the last epoch counts, not the most accurate one: that would
# be one of before the strength has grown.
GROWING_METHODS = ("grl", "conditional_grl", "conditional_mmd")
