"""What pages ask for: fields and their words. Whether it can be done so, the services decide."""
