"""What a model's config says beside the arguments of its constructor.

Ours write the arguments that their layers are built from, and here what may
have been set since: which layers are trained, and what each computes in.
"""

import contextlib

import keras


@contextlib.contextmanager
def default_policy(dtype):
    """Builds the layers of the block in a policy; None for the global one."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras.dtype_policies.get(dtype))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def settings_config(model) -> dict:
    """Returns the part of a model's config that all models have in common.

    That is `name`, `trainable` and `dtype`, which the constructor takes, and
    `layer_settings` for `from_settings_config`.
    """
    return {"name": model.name, **_settings(model)}


def from_settings_config(cls, config):
    """Returns the model of a config with a `settings_config` in it."""
    config = dict(config)
    layer_settings = config.pop("layer_settings", None)
    model = cls(**config)
    if layer_settings is not None:
        _restore(model, layer_settings)
    return model


def _settings(layer):
    settings = {
        "trainable": layer.trainable,
        "dtype": keras.dtype_policies.serialize(layer.dtype_policy),
    }
    if isinstance(layer, keras.Model):
        settings["layer_settings"] = {
            part.name: _settings(part) for part in layer.layers
        }
    return settings


def _restore(model, layer_settings):
    for layer in model.layers:
        settings = layer_settings[layer.name]
        # That of a model is passed down, so those of its layers come after.
        layer.trainable = settings["trainable"]
        policy = keras.dtype_policies.get(settings["dtype"])
        if layer.dtype_policy != policy:
            layer.dtype_policy = policy
        if "layer_settings" in settings:
            _restore(layer, settings["layer_settings"])
