"""`python -m benchmarks`: the speed and quality of training beside their targets, in ten minutes at most."""

from benchmarks import quality, training_speed
from benchmarks.targets import show

if __name__ == "__main__":
    measurements = training_speed.measure()
    print("quality of the presets:", flush=True)
    measurements += quality.measure_targets()
    print("all measurements beside their targets:")
    show(measurements)
    print(f"{sum(each.met for each in measurements)} of {len(measurements)} targets are met")
