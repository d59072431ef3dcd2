"""`python -m benchmarks.pages`: the cost of the pages, one benchmark after the other."""

from benchmarks import gallery, latent_map, request_latency, time_machine, viewers

if __name__ == "__main__":
    latent_map.main()
    time_machine.main()
    request_latency.main()
    viewers.main()
    gallery.main()
