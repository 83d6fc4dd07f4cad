"""The evidence lower bound, and nothing else."""

from keras import ops

from tp_keras.generator.model.geometry import PIXEL_CENTRE
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.model.losses import DEQUANTIZATION_VARIANCE
from tp_keras.generator.model.losses import gaussian_kl
from tp_keras.generator.model.losses import log_likelihood

# A latent whose mean differs between portraits by less is not used: Burda et
# al., arXiv:1509.00519.
_ACTIVE_VARIANCE = 0.01


class LikelihoodObjective:
    """Negative ELBO in nats for each pixel value, with a shared variance.

    `-log p(x | z, c) + weight * KL(q(z | x, c) || N(0, I))`, over the number of
    pixel values that are drawn. In training the variance is the best for the
    batch, in validation the running mean of those; see `log_likelihood`.

    Args:
        pixel_variance: Float. A variance on the scale 0..1 to take instead of
            the best one, as most implementations do: it is a weight between
            pixels and KL by another name. 0 for the best.

    What it returns beside the loss: `nll` in nats for each pixel value, `kl`
    in nats for each portrait, `rmse` of the reconstructions on the scale
    0..255, `active_latents`.
    """

    # Whether the loss bounds the likelihood, so that bits tell something.
    is_elbo = True
    names = ("nll", "kl", "rmse", "active_latents")

    def __init__(self, pixel_variance=0.0):
        # (None is the best.)
        self._fixed_variance = pixel_variance * 255.0**2 or None

    def __call__(self, vae, images, outputs, training):
        """Returns the loss and a dict of what it is made of, by `names`.

        Args:
            vae: `PortraitVAE`.
            images: uint8 `[batch, height, width, 3]`.
            outputs: What the model returned for them.
            training: Bool.
        """
        # As large as drawn, on the scale 0..255.
        if vae.grown:
            target, drawn = ops.cast(images, "float32"), outputs["image"]
        else:
            target = halve(scale_pixels(images)) * PIXEL_CENTRE
            drawn = outputs["half"] * PIXEL_CENTRE
        squared_error = ops.mean(ops.square(target - drawn))
        variance = self._fixed_variance
        if training:
            vae.update_pixel_variance(squared_error + DEQUANTIZATION_VARIANCE)
            vae.update_latent_statistics(outputs["latent"])
        else:
            variance = variance or vae.pixel_variance
        nll = -log_likelihood(squared_error, variance)
        kl = gaussian_kl(outputs["mean"], outputs["log_variance"])
        kl = ops.mean(ops.sum(kl, axis=-1))
        spread = ops.var(outputs["mean"], axis=0)
        values = {
            "nll": nll,
            "kl": kl,
            "rmse": ops.sqrt(squared_error),
            "active_latents": ops.sum(
                ops.cast(spread > _ACTIVE_VARIANCE, "float32")
            ),
        }
        return nll + vae.kl_weight * kl / vae.dimensions, values
