"""Documents as PDF, set by typst with the typefaces that it carries."""
