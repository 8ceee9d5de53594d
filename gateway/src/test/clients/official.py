"""Speaks to a gateway through OpenAI's own Python library: BASE_URL and KEY come from the environment."""
import os

import openai
from pydantic import BaseModel

client = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0, timeout=30)
ask = [{"role": "user", "content": "Where is my card?"}]
tools = [{"type": "function", "function": {"name": "balance", "parameters": {"type": "object", "properties": {}}}}]


def check(name, holds):
    if not holds:
        raise SystemExit("failed: " + name)
    print("ok", name)


def raises(name, kind, call):
    try:
        call()
    except kind as error:
        check(name, True)
        return error
    raise SystemExit("failed: %s raised nothing" % name)


local = client.chat.completions.create(model="local", messages=ask, user="ann", max_completion_tokens=8, seed=7)
again = client.chat.completions.create(model="local", messages=ask, user="ann", max_completion_tokens=8, seed=7)
check("chat", local.choices[0].message.content and local.usage.completion_tokens <= 8)
check("seed", local.choices[0].message.content == again.choices[0].message.content)
check("extension", local.bellwether["feedback_token"])
several = client.chat.completions.create(model="local", messages=ask, n=3, max_tokens=4)
check("n", [choice.index for choice in several.choices] == [0, 1, 2])
whole = client.chat.completions.create(model="local", messages=ask, seed=7, max_tokens=20).choices[0].message.content
word = whole.split()[2]
stopped = client.chat.completions.create(model="local", messages=ask, seed=7, max_tokens=20, stop=[word])
check("stop", word not in stopped.choices[0].message.content and stopped.choices[0].finish_reason == "stop")

text, last = "", None
for chunk in client.chat.completions.create(
        model="local", messages=ask, stream=True, stream_options={"include_usage": True}):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
        last = chunk
    else:
        check("usage of a stream", chunk.usage.total_tokens > 0)
check("stream", text and last.choices[0].finish_reason in ("stop", "length") and last.bellwether["feedback_token"])
with client.chat.completions.stream(model="service", messages=ask) as stream:
    events = [event.type for event in stream]
    final = stream.get_final_completion()
check("stream helper", "content.delta" in events and final.choices[0].message.content == "It is on its way.")

called = client.chat.completions.create(model="tools", messages=ask, tools=tools, tool_choice="required")
call = called.choices[0].message.tool_calls[0]
check("tools", call.function.name == "balance" and called.choices[0].finish_reason == "tool_calls")
answered = client.chat.completions.create(
    model="service", tools=tools,
    messages=ask + [called.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "12"}])
check("a tool's answer", answered.choices[0].message.content == "It is on its way.")
with client.chat.completions.stream(model="tools", messages=ask, tools=tools) as stream:
    final = stream.get_final_completion()
check("tools in a stream", final.choices[0].message.tool_calls[0].function.arguments == '{"of":1}')
with client.chat.completions.stream(model="tools-at-once", messages=ask, tools=tools) as stream:
    final = stream.get_final_completion()
check("tools at once in a stream", final.choices[0].message.tool_calls[0].function.arguments == '{"of":1}')


class Where(BaseModel):
    place: str


parsed = client.chat.completions.parse(model="structured", messages=ask, response_format=Where)
check("structured output", parsed.choices[0].message.parsed.place == "Berlin")

check("models", "local" in [model.id for model in client.models.list()])
check("retrieve", client.models.retrieve("local").id == "local")
raises("an unknown model", openai.NotFoundError, lambda: client.models.retrieve("nobody"))
raises("an unknown bot", openai.NotFoundError,
       lambda: client.chat.completions.create(model="nobody", messages=ask))
raises("a wrong key", openai.AuthenticationError, lambda: client.with_options(api_key="bw-no").models.list())
bad = raises("a bad value", openai.BadRequestError,
             lambda: client.chat.completions.create(model="local", messages=ask, temperature=3))
check("a bad value's name", bad.param == "temperature")
raises("tools for a bot of texts", openai.BadRequestError,
       lambda: client.chat.completions.create(model="local", messages=ask, tools=tools))
raises("too long a prompt", openai.UnprocessableEntityError, lambda: client.chat.completions.create(
    model="local", messages=[{"role": "user", "content": "word " * 3000}]))
raises("a busy service", openai.RateLimitError,
       lambda: client.chat.completions.create(model="busy", messages=ask))
raises("a broken service", openai.InternalServerError,
       lambda: client.chat.completions.create(model="broken", messages=ask))

stream = client.chat.completions.create(model="slow", messages=ask, stream=True)
check("cancel", next(iter(stream)).choices[0].delta.content == "It")
stream.close()

judged = client.with_options(api_key=local.bellwether["feedback_token"]).post(
    "/feedback", body={"kind": "thumb", "value": "up"}, cast_to=object)
check("feedback", judged["feedback_id"])
raises("bad feedback", openai.UnprocessableEntityError,
       lambda: client.with_options(api_key=local.bellwether["feedback_token"]).post(
           "/feedback", body={"kind": "clap"}, cast_to=object))
print("all done")
