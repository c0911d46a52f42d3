"""The studies behind the book: configurations, what they measure, and what they found.

A configuration names what is here as ``"reproduce.dmil:NoisyResidual"``. `mmfuse study` finds it
when it is called at the top of the repository.
"""
