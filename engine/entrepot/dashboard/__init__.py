"""The dashboard: pages for people, made on the server from what the engine says.

Step by step:

* `app`: a request comes in; it is matched with `routes`, and its view runs in a reader's thread.
* `browser`: who is it: the session's cookie; and did one of our own pages send this form.
* one module a page, as `workers`: a view asks the engine and returns a `page.Page`.
* `rendering`: the page becomes HTML, and the parts of it that are live.
* `live`: while somebody looks at a page, its live parts are made anew after changes, and those that differ are sent.
"""

from entrepot.dashboard.app import Dashboard

__all__ = ["Dashboard"]
