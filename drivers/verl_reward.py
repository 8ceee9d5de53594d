"""What Bellwether's reward model gives, as verl's custom_reward_function (drivers/verl.sh names it)."""
import functools
import json
import os
import urllib.request

from transformers import AutoTokenizer


@functools.cache
def tokenizer():
    return AutoTokenizer.from_pretrained(os.environ["BELLWETHER_BASE"])


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **_):
    """verl leaves the end token out of a reply's text: a reply that could have gone on had one.

    ground_truth is the prompt's number, extra_info["tokens_max"] the longest reply.
    """
    length = len(tokenizer()(solution_str, add_special_tokens=False).input_ids)
    ended = length < extra_info["tokens_max"]
    text = solution_str + (extra_info["end"] if ended else "")
    body = json.dumps({"query": [text], "prompts": [""], "labels": [ground_truth]}).encode()
    request = urllib.request.Request(
        os.environ["BELLWETHER_REWARD_URL"], body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)["rewards"][0]
