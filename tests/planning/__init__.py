"""Planning: what is built, what it is worth, what less carbon costs."""
