"""A trained classifier as a pair of eyes: its feature maps and answers."""

import keras
from keras import ops

from tp_keras.errors import UserError


class FeatureNetwork:
    """Feature maps and logits of pictures with real-valued pixels.

    Called with float images `[batch, height, width, 3]` of the scale 0..255 it
    returns a list of feature maps, and a dict: task name -> logits. The weights
    of the trained `PortraitClassifier` stay as they are. It raises a
    `UserError` if the backbone has no ReLU layers to look at.
    """

    def __init__(self, classifier):
        self._classifier = classifier
        self._classifier.trainable = False
        self._map_names = _last_of_each_size(classifier.backbone)

    @property
    def map_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the feature maps without the batch, the smallest first."""
        layer = self._classifier.backbone.get_layer
        return [layer(name).output.shape[1:] for name in self._map_names]

    def __call__(self, images):
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
