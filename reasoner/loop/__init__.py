"""The loop closed on the bundled reasoner: labels are made, reward models trained on them, and chosen by.

`make loop` runs it. The product is used through its commands only.
"""
