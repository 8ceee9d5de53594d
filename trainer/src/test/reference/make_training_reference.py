"""Computes what training must compute, with torch, transformers and peft, on the tiny checkpoints of the policy's tests.

    python3 make_training_reference.py POLICY_REFERENCE_FOLDER OUT_FOLDER [CASE ...]

Cases that are named are folders of POLICY_REFERENCE_FOLDER, such as a real model's; without any, those of the tests are
made, and what PEFT writes of the first. Tests given `-Dreference=FOLDER`, with the cases' folders and `training.json` in
it, check those, too.

For each architecture, with all weights and with adapters: the losses of supervised fine-tuning, of PPO's policy, of its
critic, of the reward model, of DPO and of KTO, the length of each tensor's gradient and its product with fixed numbers,
and the same of the tensors after one step of AdamW. The reference of DPO and KTO is the base of a model with adapters, and
a model with adapters where all weights are trained. Numbers that are not in a checkpoint follow from their place alone
(`numbers`).
"""
import json
import pathlib
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

CASES = ["llama-tied", "llama-grouped-bf16", "llama3-rope-f16", "qwen2-biases", "qwen3-head-norms", "mistral"]
# Two samples of different lengths: tokens, and how many of them are the prompt.
SAMPLES = [([4, 5, 6, 7, 8, 9, 30], 3), ([9, 10, 11, 12], 2)]
RATE, BETA1, BETA2, EPSILON, DECAY, NORM_MAX = 1e-2, .9, .95, 1e-8, .01, 1.
TEMPERATURE, CLIP, VALUE_CLIP = .7, .2, .2
SMOOTHING, CENTRING, HEADS = .1, .01, 2
BETA = .5


def numbers(count, scale):
    """The same in Java: ((i * 7919) % 1000 / 1000 - .5) * scale."""
    return torch.tensor([((i * 7919) % 1000 / 1000 - .5) * scale for i in range(count)], dtype=torch.float32)


def fill(tensor, scale):
    with torch.no_grad():
        tensor.copy_(numbers(tensor.numel(), scale).reshape(tensor.shape))


def load(kind, folder, adapted, **more):
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **more).eval()
    if HEADS == more.get("num_labels"):
        fill(model.score.weight, .5)
    if adapted:
        config = LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"],
                            modules_to_save=["score"] if more else None)
        model = get_peft_model(model, config).eval()
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                fill(parameter, .4 if "lora_A" in name else .2)
    return model


def name_of(name):
    return name.replace(".default", "").replace("base_model.model.score.modules_to_save", "score")


def summary(named):
    out = {}
    for name, tensor in sorted(named.items()):
        flat = tensor.detach().flatten()
        out[name] = [float(flat.norm()), float((flat * numbers(flat.numel(), 1)).sum())]
    return out


def reference(model, loss):
    trained = {name_of(name): p for name, p in model.named_parameters() if p.requires_grad}
    value = loss(model)
    value.backward()
    gradients = summary({name: p.grad for name, p in trained.items()})
    optimizer = torch.optim.AdamW(trained.values(), lr=RATE, betas=(BETA1, BETA2), eps=EPSILON, weight_decay=DECAY)
    torch.nn.utils.clip_grad_norm_(list(trained.values()), NORM_MAX)
    optimizer.step()
    return {"loss": float(value.detach()), "gradients": gradients, "updated": summary(trained)}


def of_reply(model, tokens, prompt, temperature):
    logits = model(torch.tensor([tokens])).logits[0] / temperature
    chosen = torch.log_softmax(logits, -1)[:-1].gather(1, torch.tensor(tokens[1:])[:, None]).flatten()
    return chosen[prompt - 1:]


def log_probabilities(model, temperature):
    """Of the samples' reply tokens, one after the other."""
    return torch.cat([of_reply(model, tokens, prompt, temperature) for tokens, prompt in SAMPLES])


def sft(model):
    return -log_probabilities(model, 1.).mean()


def ppo(model):
    now = log_probabilities(model, TEMPERATURE)
    old = now.detach() + numbers(len(now), .6)
    advantages, weights = numbers(len(now), 3.), 1 + numbers(len(now), .5)
    ratio = (now - old).exp()
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)
    return -(objective * weights).sum() / len(now)


def ratio(model, reference, tokens, prompt):
    """How much likelier the model finds a reply than its reference does."""
    with torch.no_grad():
        theirs = of_reply(reference, tokens, prompt, TEMPERATURE).sum()
    return of_reply(model, tokens, prompt, TEMPERATURE).sum() - theirs


def dpo(reference):
    """The first sample over the second, and the second over the first with half the weight."""
    def loss(model):
        first, second = [ratio(model, reference, *sample) for sample in SAMPLES]
        sigmoid = torch.nn.functional.logsigmoid
        smooth = lambda margin: -((1 - SMOOTHING) * sigmoid(margin) + SMOOTHING * sigmoid(-margin))
        return (.8 * smooth(BETA * (first - second)) + .4 * smooth(BETA * (second - first))) / 1.2
    return loss


def kto(reference):
    """The first sample was liked, the second was not; their divergence is that of each reply to the other prompt."""
    def loss(model):
        liked, disliked = [ratio(model, reference, *sample) for sample in SAMPLES]
        (first, cut), (second, other) = SAMPLES
        with torch.no_grad():
            crossed = [ratio(model, reference, first[:cut] + second[other:], cut),
                       ratio(model, reference, second[:other] + first[cut:], other)]
            divergence = (sum(crossed) / 2).clamp(min=0)
        good = 1 - torch.sigmoid(BETA * (liked - divergence))
        bad = 1 - torch.sigmoid(BETA * (divergence - disliked))
        return (.8 * good + .5 * bad) / 1.3
    return loss


def states(model):
    base = model.base_model.model if hasattr(model, "peft_config") else model
    return [(base.model(torch.tensor([tokens])).last_hidden_state[0], prompt) for tokens, prompt in SAMPLES]


def head(model):
    base = model.base_model.model if hasattr(model, "peft_config") else model
    return base.score


def value(model):
    values = []
    for hidden, prompt in states(model):
        heads = head(model)(hidden[prompt - 1:-1])[:, 0]
        values.append(heads.cumsum(0) / torch.arange(1, len(heads) + 1))
    values = torch.cat(values)
    old = values.detach() + numbers(len(values), .8)
    returns = numbers(len(values), 2.)
    clipped = old + (values - old).clamp(-VALUE_CLIP, VALUE_CLIP)
    return .5 * torch.maximum((values - returns) ** 2, (clipped - returns) ** 2).mean()


def reward(model):
    """The first sample over the second, the second over the first and a thumb up for the first, each with a weight of its
    own; the thumb was drawn twice for the second head. The mean of a reply's states."""
    first, second = [head(model)(hidden[prompt:].mean(0)) for hidden, prompt in states(model)]
    sigmoid = torch.nn.functional.logsigmoid
    smooth = lambda margin: -((1 - SMOOTHING) * sigmoid(margin) + SMOOTHING * sigmoid(-margin))
    pairs = .8 * smooth(first - second) + .4 * smooth(second - first) + 1.2 * CENTRING * (first + second) ** 2
    return (pairs + .6 * torch.arange(1, HEADS + 1) * smooth(first)).sum() / (.8 + .4 + .6)


def main(policy, out, cases):
    found = {}
    for case in cases or CASES:
        for adapted in (False, True):
            key = case + (" adapted" if adapted else "")
            language = lambda: load(AutoModelForCausalLM, policy / case, adapted)
            heads = lambda count: load(AutoModelForSequenceClassification, policy / case, adapted, num_labels=count)
            found[key] = {"sft": reference(language(), sft), "ppo": reference(language(), ppo),
                          "reward": reference(heads(HEADS), reward)}
            other = load(AutoModelForCausalLM, policy / case, not adapted)
            found[key]["dpo"] = reference(language(), dpo(other))
            found[key]["kto"] = reference(language(), kto(other))
            critic = heads(1)
            fill(head(critic).weight if not adapted else head(critic).modules_to_save["default"].weight, .5)
            found[key]["value"] = reference(critic, value)
            print(key, {name: round(each["loss"], 4) for name, each in found[key].items()})
    (out / "training.json").write_text(json.dumps(found, indent=0))
    if not cases:
        adapter(load(AutoModelForCausalLM, policy / CASES[0], True), out / "adapter")


def adapter(model, folder):
    """What PEFT itself writes, and the logits of base and adapter together."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    ids = SAMPLES[0][0]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    (folder / "reference.json").write_text(json.dumps({"ids": ids, "logits": logits.tolist()}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
