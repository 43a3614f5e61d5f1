"""Bytes, and what they are part of: the blob store, the fetcher, blobs and units as rows.

The walk of one file, downward:

1. `fetch`: a request becomes a transfer (`connections`, `transfer`), or a copy from a folder (`local_files`);
   `addresses` and `networks` say where from, `retries` how often;
2. `writer`: the bytes are hashed while they come, compared with what was promised, and lie in the store's `tmp`;
3. `store`: they are made durable (`durability`) and visible under their digest;
4. `blobs`, `units`: only then their rows are written, in bulk (`bulk`); 3 and 4 hold the store's lock (`locks`).

`catalog` remembers where files can be fetched. `uploads` are bytes that come in pieces; `unit_copies` makes units of
others, `user_metadata` keeps what clients say of them, `removal` deletes what nobody needs. `temporary` names the files
in `tmp` and knows which of them nobody needs any more; `storage_faults` says what an error of the operating system means.

Import from the modules: nothing is re-exported here, because `fetch` loads libcurl, and serving content needs none of it.
"""

from __future__ import annotations

__all__: list[str] = []
