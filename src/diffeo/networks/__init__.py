"""Conditioners and embeddings: ordinary networks, which know nothing of flows."""

from diffeo.networks.conditioning import AddCondition as AddCondition
from diffeo.networks.convnet import ConvNet as ConvNet
from diffeo.networks.convnet import ZeroConv as ZeroConv
from diffeo.networks.coordinates import PlaceBias as PlaceBias
from diffeo.networks.dropout import Dropout as Dropout
from diffeo.networks.embeddings import ClassEmbedding as ClassEmbedding
from diffeo.networks.embeddings import ImageEmbedding as ImageEmbedding
from diffeo.networks.embeddings import VectorEmbedding as VectorEmbedding
from diffeo.networks.embeddings import embedding_for as embedding_for
from diffeo.networks.last_layer import OutputConv as OutputConv
from diffeo.networks.mlp import MLP as MLP
from diffeo.networks.resnet import ResidualConvNet as ResidualConvNet
from diffeo.networks.standardize_condition import StandardizeCondition as StandardizeCondition
