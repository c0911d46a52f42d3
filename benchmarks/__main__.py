"""Run the benchmarks that compare speed, and print their tables."""

from benchmarks import dimml, dmil, i2moe, pid, training

if __name__ == "__main__":
    training.main()
    dimml.main()
    pid.main()
    i2moe.main()
    dmil.main()
