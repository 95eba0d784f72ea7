"""Local servers that speak the admin APIs of OpenAI and Anthropic in their real shapes."""
