"""Exports of labeling tools: Label Studio and Argilla. Pure."""
