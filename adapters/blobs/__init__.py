"""Where files are kept: in memory, in a folder, or in an object store that speaks S3."""

from adapters.blobs.memory import MemoryBlobs
from adapters.blobs.places import BlobPlace

__all__ = ["BlobPlace", "MemoryBlobs"]
