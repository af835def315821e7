"""Data sets: everything becomes batches of tensors."""

from diffeo.data.dataset import Dataset as Dataset
from diffeo.data.dataset import Part as Part
from diffeo.data.dataset import Unread as Unread
from diffeo.data.download import file_of as file_of
from diffeo.data.download import folder_of as folder_of
from diffeo.data.mnist import read_idx as read_idx
from diffeo.data.sources import OWN as OWN
from diffeo.data.sources import SOURCES as SOURCES
from diffeo.data.sources import Source as Source
from diffeo.data.sources import load as load
from diffeo.data.sources import read as read
from diffeo.data.sources import recorded as recorded
from diffeo.data.toys import TOYS as TOYS
