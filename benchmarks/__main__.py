"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import gallery, latent_map, orders, training_speed, viewers

if __name__ == "__main__":
    training_speed.main()
    latent_map.main()
    orders.main()
    viewers.main()
    gallery.main()
