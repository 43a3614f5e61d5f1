"""Targets: one kind of edge server each, all with one contract: `target.Target.push` makes it hold a publication.

* `opening`: from a URL and options to a target. `address`: what a URL says.
* `tree`: what is read of a publication. `manifest`: what a target remembers of the one it holds.
* Built aside and flipped by one rename, so that readers see the old publication or the new one whole: `local` (a folder) and
  `rsync` (over ssh), both with the layout of `release`.
* Changed file by file, additions first and removals last, through `in_place`: `sftp`, `s3`
  and `webdav` (both with the options of `tls`, and the bytes of `sending`).

Libraries that only one of them needs are in the extra `edge`, and imported when that target connects.
"""

from entrepot.propagation.targets.opening import check, masked, open_target

__all__ = ["check", "masked", "open_target"]
