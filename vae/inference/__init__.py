"""What a trained model makes of arrays: posteriors, scores, and the geometry of its latent space."""
