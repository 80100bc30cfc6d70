"""Raw columns in, the nouns that flow through everything else out."""

from recsys.tables.catalogue import Catalogue
from recsys.tables.dataset import Dataset
from recsys.tables.embeddings import Embeddings
from recsys.tables.ids import IdMap
from recsys.tables.interactions import Interactions
from recsys.tables.topk import TopK
from recsys.tables.where import where_mask

__all__ = ["Catalogue", "Dataset", "Embeddings", "IdMap", "Interactions", "TopK", "where_mask"]
