"""MobileNetV3 Small in PyTorch, as timm builds it, with the project's heads."""

from torch import nn
from torch.nn import functional

from tp_keras.models.backbone import PIXEL_MEAN
from tp_keras.models.backbone import PIXEL_SCALE

# Kernel, width of the expansion, channels, squeeze and excitation, activation,
# stride: table 2 of Howard et al., Searching for MobileNetV3, arXiv:1905.02244.
_BLOCKS = (
    (3, 16, 16, True, nn.ReLU, 2),
    (3, 72, 24, False, nn.ReLU, 2),
    (3, 88, 24, False, nn.ReLU, 1),
    (5, 96, 40, True, nn.Hardswish, 2),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 120, 48, True, nn.Hardswish, 1),
    (5, 144, 48, True, nn.Hardswish, 1),
    (5, 288, 96, True, nn.Hardswish, 2),
    (5, 576, 96, True, nn.Hardswish, 1),
    (5, 576, 96, True, nn.Hardswish, 1),
)
_STEM_CHANNELS = 16
_CHANNELS = 576


def mobilenet_v3_small() -> nn.Sequential:
    """Returns the trunk of MobileNetV3 Small.

    Layer by layer the `mobilenetv3_small_100` of timm 1.0.31 up to its
    features, with its initial weights, normalisation and padding.

    Input: float `[batch, 3, height, width]`.
    Output: float `[batch, 576, rows, columns]`.
    """
    layers = [_convolution(3, _STEM_CHANNELS, 3, nn.Hardswish, stride=2)]
    channels = _STEM_CHANNELS
    for kernel, expanded, width, squeeze, activation, stride in _BLOCKS:
        layers.append(
            _InvertedResidual(
                channels, kernel, expanded, width, squeeze, activation, stride
            )
        )
        channels = width
    layers.append(_convolution(channels, _CHANNELS, 1, nn.Hardswish))
    network = nn.Sequential(*layers)
    network.apply(_initialize)
    return network


class TorchClassifier(nn.Module):
    """The heads of `tp_keras.models.PortraitClassifier` in PyTorch.

    Its guarded heads share the embedding, of which those of the other have a
    part each.

    Args:
        trunk: Module from pixels to features.
        schema: `Schema` of tasks with classes.
        channels: Int. Channels of the features.
        embedding_size: Int. Length of the embedding.
        dropout_rate: Float. Dropout before the heads.

    Input: uint8 `[batch, height, width, 3]`.
    Output: dict of logits `[batch, classes]`, one for each task.
    """

    def __init__(
        self,
        trunk,
        schema,
        channels=_CHANNELS,
        embedding_size=64,
        dropout_rate=0.2,
    ):
        super().__init__()
        self.trunk = trunk
        self.schema = schema
        self.guarded_block = _convolution(channels, channels, 1, nn.ReLU)
        self.guarded_projection = nn.Linear(channels, embedding_size)
        self.dropout = nn.Dropout(dropout_rate)
        self.heads = nn.ModuleDict(
            {
                task.name: nn.Linear(
                    embedding_size if task.name in schema.guarded else channels,
                    task.num_classes,
                )
                for task in schema.tasks
            }
        )
        self.guarded_block.apply(_initialize)
        # As Keras initialises dense layers.
        for layer in (self.guarded_projection, *self.heads.values()):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, images):
        """Returns the logits."""
        # Channels come last in memory, as in the batch: no copy.
        x = images.permute(0, 3, 1, 2)
        x = (x.float() - PIXEL_MEAN) / PIXEL_SCALE
        features = self.trunk(x)
        x = self.guarded_block(features).mean((2, 3))
        embedding = self.guarded_projection(x)
        embedding = functional.layer_norm(
            embedding, embedding.shape[1:], eps=1e-8
        )
        pooled = features.mean((2, 3))
        return {
            name: head(
                self.dropout(
                    embedding if name in self.schema.guarded else pooled
                )
            )
            for name, head in self.heads.items()
        }


def masked_loss(logits, labels, weights, label_smoothing):
    """Returns the sum of the tasks' losses.

    That of a task is the mean over the rows that carry its label, as in
    `tp_keras.models.losses.TaskLoss`.

    Args:
        logits: Dict: task name -> float `[batch, classes]`.
        labels: Dict: task name -> int64 `[batch]`.
        weights: Dict: task name -> float `[batch]`, 0 where a label is missing.
        label_smoothing: Float.
    """
    total = 0.0
    for name, values in logits.items():
        losses = functional.cross_entropy(
            values,
            labels[name],
            reduction="none",
            label_smoothing=label_smoothing,
        )
        weight = weights[name]
        total = total + (weight * losses).sum() / weight.sum().clamp(min=1e-7)
    return total


class _InvertedResidual(nn.Module):
    """Expand, filter each channel, weigh the channels, project.

    Without an expansion where it would widen nothing.
    """

    def __init__(
        self, channels, kernel, expanded, width, squeeze, activation, stride
    ):
        super().__init__()
        layers = []
        if expanded != channels:
            layers.append(_convolution(channels, expanded, 1, activation))
        layers.append(
            _convolution(
                expanded,
                expanded,
                kernel,
                activation,
                stride=stride,
                groups=expanded,
            )
        )
        if squeeze:
            layers.append(_SqueezeExcitation(expanded))
        layers.append(_convolution(expanded, width, 1))
        self.layers = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and channels == width

    def forward(self, x):
        return x + self.layers(x) if self.has_shortcut else self.layers(x)


class _SqueezeExcitation(nn.Module):
    """Weighs the channels by what the picture holds on the whole."""

    def __init__(self, channels):
        super().__init__()
        reduced = _divisible(channels / 4)
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        weights = functional.relu(self.reduce(x.mean((2, 3), keepdim=True)))
        return x * functional.hardsigmoid(self.expand(weights))


def _convolution(channels, width, kernel, activation=None, stride=1, groups=1):
    layers = [
        nn.Conv2d(
            channels,
            width,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        ),
        # PyTorch's momentum .1 is .9 in Keras' sense.
        nn.BatchNorm2d(width),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


def _divisible(channels, divisor=8):
    """Rounds to a multiple of 8, but by no more than a tenth down."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def _initialize(layer):
    """Draws as TensorFlow's own MobileNets do."""
    if isinstance(layer, nn.Conv2d):
        fan_out = layer.weight[0, 0].numel() * layer.out_channels
        deviation = (2.0 / (fan_out // layer.groups)) ** 0.5
        nn.init.normal_(layer.weight, 0.0, deviation)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
