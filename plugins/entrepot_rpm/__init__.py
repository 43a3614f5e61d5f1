"""Yum repositories: packages, advisories, groups, modules and installable trees are imported, and published for dnf.

The importer reads a feed piece by piece: `feed` finds `repomd.xml` and fetches what it lists, `compressed` unpacks and cuts,
`packages`, `updateinfo`, `comps`, `modules`, `deltas` and `treeinfo` make units of the pieces.

The distributors lay out a `tree`: `package_files`, `updateinfo_file`, `comps_file`, `modules_file` and `other_files` write what
`repodata` names; long files are `segmented`, so that a small change costs little.

Type ids, unit keys and configuration keys are those of Pulp 2 (pulp_rpm). SPDX-License-Identifier: GPL-2.0-or-later, as that of
createrepo_c, which this plugin is made on; see docs/decisions/0002-dependencies.md.
"""
