from tp_keras.fairness.methods.adversarial import ConditionalReversedGradient
from tp_keras.fairness.methods.adversarial import ReversedGradient
from tp_keras.fairness.methods.conditional_mmd import ConditionalMmd
from tp_keras.fairness.methods.domain_independent import DomainIndependent
from tp_keras.fairness.methods.group_dro import GroupDro
from tp_keras.fairness.methods.plain import Plain
from tp_keras.fairness.methods.reweigh import Reweigh

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
