"""The values that the questions of the workload contain, shared by every peer and by the check of its answers."""

from __future__ import annotations

LIMIT_100 = 100
JOINED_POSTS = 1_000
PREFETCHED_AUTHORS = 100
STATUS = "live"
UNWANTED_STATUS = "draft"
MORE_POSTS_THAN = 375
MANY_VIEWS = 9_000
YOUNG = 21
COMPLEX_LIMIT = 20
