"""Files made of what a model draws: pictures and animations."""
