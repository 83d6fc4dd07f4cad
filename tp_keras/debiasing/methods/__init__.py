from tp_keras.config import DEBIAS_METHODS
from tp_keras.debiasing.methods.adversarial import ConditionalReversedGradient
from tp_keras.debiasing.methods.adversarial import ReversedGradient
from tp_keras.debiasing.methods.conditional_mmd import ConditionalMmd
from tp_keras.debiasing.methods.domain_independent import DomainIndependent
from tp_keras.debiasing.methods.group_dro import GroupDro
from tp_keras.debiasing.methods.plain import Plain
from tp_keras.debiasing.methods.reweigh import Reweigh

# Name of DebiasConfig.debias -> what it does in training. `subsample` trains
# plainly, on chosen rows.
METHODS = dict(
    zip(
        DEBIAS_METHODS,
        (
            Plain,
            Reweigh,
            Plain,
            GroupDro,
            ReversedGradient,
            ConditionalReversedGradient,
            ConditionalMmd,
            DomainIndependent,
        ),
        strict=True,
    )
)
