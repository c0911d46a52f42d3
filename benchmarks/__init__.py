"""Speed against named baselines, measured in one run: ``make bench``."""
