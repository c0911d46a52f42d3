"""Run every benchmark and print its table."""

from benchmarks import training

if __name__ == "__main__":
    training.main()
