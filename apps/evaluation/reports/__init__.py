"""One module per kind of evaluation: from the database to the JSON that an evaluation stores."""
