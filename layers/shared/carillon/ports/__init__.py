"""Where the core and the outside meet: what services need, in their own words, one module per kind of need.

Every method that touches data takes the data set's id first; it comes from the authorizer, or from a queue message
that was written under it.
"""
