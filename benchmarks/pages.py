"""`python -m benchmarks.pages`: what the pages cost, one benchmark after the other."""

from benchmarks import gallery, latent_map, orders, time_machine, viewers

if __name__ == "__main__":
    latent_map.main()
    time_machine.main()
    orders.main()
    viewers.main()
    gallery.main()
