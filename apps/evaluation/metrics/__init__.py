"""The measures of labels and reward models, one module each: the formula and its source are in its docstring. Pure."""
