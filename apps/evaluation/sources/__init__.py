"""What the reports compare, out of the database: what is right, what each rater says, and the scores of solutions.

Each set is a few queries into flat arrays, however many solutions there are.
"""
