"""Inference with a trained model: posteriors, scores, decoding, and the geometry of the latent space."""
