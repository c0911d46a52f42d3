"""Run the benchmarks that compare speed, and print their tables."""

from benchmarks import dmil, pid, training

if __name__ == "__main__":
    training.main()
    pid.main()
    dmil.main()
