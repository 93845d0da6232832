"""Planning: what to build, what it earns over the years, and what less carbon costs."""
