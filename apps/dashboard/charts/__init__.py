"""The one way to draw a chart: what it shows (`model`) becomes SVG, a table and a file (`svg`), without a script.

A library of charts would bring hundreds of kilobytes, draw only where scripts run, and most set inline styles, which the
content security policy forbids. All that our pages show are lines, dots and columns over two axes.
"""
