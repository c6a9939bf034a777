"""The plan in plain words: what `pulumi preview --json` and two revisions' files say, as one typed review.

`plan` reads what Pulumi tells, `reviewing` puts the review together, `markdown`, `terminal` and `table` show it.
Nothing is called here, and no clock is read: the same plan gives the same text, to the byte.
"""
