"""Prices rows from standard input with litellm; runs in an environment of its own, where only litellm is installed."""

import json
import os
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it asks the network for prices at import

from litellm import cost_per_token

rows = json.load(sys.stdin)
began = time.perf_counter()
total = 0.0
for model, prompt_tokens, cached_tokens, completion_tokens in rows:
    prompt, completion = cost_per_token(
        model=model,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cache_read_input_tokens=cached_tokens,
    )
    total += prompt + completion
print(json.dumps({"rows": len(rows), "core_seconds": time.perf_counter() - began, "total_usd": total}))  # noqa: T201
