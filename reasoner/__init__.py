"""A tiny language model that reasons in arithmetic: its problems, its exact checker, its training and its server.

It knows nothing of Annotate's apps, and they know it only as an endpoint.
"""
