"""An agent that talks about calls: what it may do, how it reports, and a model to show it with."""
