"""Debian packages: a feed that apt reads is imported, and published the same way, signed.

Reading: `release` says what a feed offers and whether to trust it, `indexes` unpack, `stanzas` take apart, `importer` yields.
Writing: `layout` says where things lie, `package_index` writes what apt reads, `distributor` puts it together.
Source: Debian Policy 4.7, chapters 3 and 5; the Debian wiki's RepositoryFormat; Pulp 2, pulp_deb.
"""
