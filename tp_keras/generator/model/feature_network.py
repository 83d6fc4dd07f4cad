"""A trained classifier as a pair of eyes for pictures being made."""

import keras
from keras import ops

from tp_keras.errors import UserError


class FeatureNetwork:
    """Feature maps and logits of pictures with real-valued pixels.

    Args:
        classifier: A trained `PortraitClassifier` over a `PortraitBackbone`.
            Its weights stay as they are.

    Raises:
        UserError: If the backbone has no ReLU layers to look at.
    """

    def __init__(self, classifier):
        self._classifier = classifier
        self._classifier.trainable = False
        self._map_names = _last_of_each_size(classifier.backbone)

    def __call__(self, images):
        """Returns a list of feature maps, and a dict of scores by task.

        Args:
            images: Float `[batch, height, width, 3]`, scale 0..255.
        """
        backbone = self._classifier.backbone
        maps = {}

        def call(operation, *args, **kwargs):
            if operation is backbone:
                # By its layers: its input is of whole numbers, which would
                # round the pictures and leave no gradient.
                return operation._run_through_graph(args[0], call_fn=call)
            if isinstance(operation, keras.layers.Layer):
                kwargs["training"] = False
            outputs = operation(*args, **kwargs)
            if operation.name in self._map_names:
                maps[operation.name] = ops.cast(outputs, "float32")
            return outputs

        logits = self._classifier._run_through_graph(images, call_fn=call)
        return [maps[name] for name in self._map_names], logits


def _last_of_each_size(backbone):
    """Returns the names of the layers that end a stage, the last first."""
    names = {}
    for layer in backbone.layers[::-1]:
        if isinstance(layer, keras.layers.ReLU):
            names.setdefault(layer.output.shape[1:3], layer.name)
    if not names:
        raise UserError(
            "Expected a classifier whose backbone has ReLU layers to look at. "
            "Train one with --backbone portrait_s. "
            f"Received: backbone={backbone.name}"
        )
    return tuple(names.values())


def feature_error(maps, target_maps):
    """Returns the squared error of feature maps over their mean square.

    The mean over the maps; 1 if nothing but zeros is seen. Deep feature
    consistency: Hou et al., arXiv:1610.00291.

    Args:
        maps: List of feature maps, as `FeatureNetwork` gives.
        target_maps: Those they should be.
    """
    errors = [
        ops.mean(ops.square(x - target)) / (ops.mean(ops.square(target)) + 1e-6)
        for x, target in zip(maps, target_maps, strict=True)
    ]
    return sum(errors) / len(errors)


def channel_statistics(maps):
    """Returns mean and deviation of every channel of maps over each picture.

    Returns:
        Float `[batch, 2 * sum of channels]`.
    """
    columns = []
    for x in maps:
        columns.append(ops.mean(x, axis=(1, 2)))
        columns.append(ops.sqrt(ops.var(x, axis=(1, 2)) + 1e-4))
    return ops.concatenate(columns, axis=-1)
