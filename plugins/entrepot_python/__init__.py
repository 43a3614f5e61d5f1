"""Python packages: projects of a simple index are imported, and published as one that pip, uv and other mirrors read.

`importer` fetches index pages and reads them (`index_pages`, `anchors`, `links`), takes what is wanted of them (`selection`,
`filenames`) and makes units of it (`packages`, `core_metadata`); `distributor` lays out the files and writes the pages
(`simple_index`). A unit is one wheel or one source distribution (`unit`).

Source: PEP 503, 629, 691, 700 (the simple index), 592 (yanked files), 658 and 714 (metadata files), 427 and 625 (file names).
"""
