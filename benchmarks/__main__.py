"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import gallery, orders, page_response, training_speed, viewers

if __name__ == "__main__":
    training_speed.main()
    page_response.main()
    orders.main()
    viewers.main()
    gallery.main()
