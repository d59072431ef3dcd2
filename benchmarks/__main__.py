"""`python -m benchmarks`: speed and quality of training beside their targets, in ten minutes at most."""

from benchmarks import quality, training_speed
from benchmarks.targets import tell

if __name__ == "__main__":
    figures = training_speed.measure()
    print("quality, of the presets:", flush=True)
    figures += quality.show()
    print("all figures beside their targets:")
    tell(figures)
    print(f"{sum(figure.holds for figure in figures)} of {len(figures)} hold")
