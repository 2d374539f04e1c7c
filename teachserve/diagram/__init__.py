"""Pictures of an architecture: one `Drawing`, derived from its source, in every format that a slide or a terminal takes."""
