"""LangChain tools and LangGraph graphs for phone calls through Revox."""
