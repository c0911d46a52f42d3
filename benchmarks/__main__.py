"""Run the benchmarks that compare speed, and print their tables."""

from benchmarks import dimml, dmil, pid, training

if __name__ == "__main__":
    training.main()
    dimml.main()
    pid.main()
    dmil.main()
