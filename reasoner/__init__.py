"""A tiny language model that reasons in arithmetic: its problems, its exact checker, its training and its server.

It imports nothing from Annotate's apps, and they use it only as an endpoint; `reasoner.loop` alone drives the product.
"""
