"""Generation of new ions and ionic liquids: sequence models, enumeration, filters and accounting."""
