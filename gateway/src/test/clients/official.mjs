// Speaks to a gateway through OpenAI's own JavaScript library: BASE_URL and KEY come from the environment.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "Where is my card?" }];
const tools = [{ type: "function", function: { name: "balance", parameters: { type: "object", properties: {} } } }];

function check(name, holds) {
  if (!holds) throw new Error("failed: " + name);
  console.log("ok", name);
}

async function raises(name, kind, call) {
  try {
    await call();
  } catch (error) {
    check(name, error instanceof kind);
    return error;
  }
  throw new Error(`failed: ${name} raised nothing`);
}

const chat = (body, options) => client.chat.completions.create({ model: "local", messages, ...body }, options);

const local = await chat({ user: "ann", max_completion_tokens: 8, seed: 7 });
const again = await chat({ user: "ann", max_completion_tokens: 8, seed: 7 });
check("chat", local.choices[0].message.content && local.usage.completion_tokens <= 8);
check("seed", local.choices[0].message.content === again.choices[0].message.content);
check("extension", local.bellwether.feedback_token);
check("n", (await chat({ n: 3, max_tokens: 4 })).choices.length === 3);
const word = (await chat({ seed: 7, max_tokens: 20 })).choices[0].message.content.split(" ")[2];
check("stop", !(await chat({ seed: 7, max_tokens: 20, stop: word })).choices[0].message.content.includes(word));

let text = "";
let last;
let usage;
for await (const chunk of await chat({ stream: true, stream_options: { include_usage: true } })) {
  if (chunk.choices.length) {
    text += chunk.choices[0].delta.content ?? "";
    last = chunk;
  } else {
    usage = chunk.usage;
  }
}
check("stream", text && last.choices[0].finish_reason && last.bellwether.feedback_token && usage.total_tokens > 0);
const helper = client.chat.completions.stream({ model: "service", messages });
let pieces = 0;
helper.on("content", () => pieces++);
check("stream helper", (await helper.finalContent()) === "It is on its way." && pieces > 1);

const called = await chat({ model: "tools", tools, tool_choice: "required" });
const call = called.choices[0].message.tool_calls[0];
check("tools", call.function.name === "balance");
const answered = await chat({
  model: "service", tools,
  messages: [...messages, called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "12" }],
});
check("a tool's answer", answered.choices[0].message.content === "It is on its way.");
const streamed = await client.chat.completions.stream({ model: "tools", messages, tools }).finalChatCompletion();
check("tools in a stream", streamed.choices[0].message.tool_calls[0].function.arguments === '{"of":1}');
const atOnce = await client.chat.completions.stream({ model: "tools-at-once", messages, tools }).finalChatCompletion();
check("tools at once in a stream", atOnce.choices[0].message.tool_calls[0].function.arguments === '{"of":1}');
const structured = await client.chat.completions.parse({
  model: "structured", messages,
  response_format: { type: "json_schema", json_schema: { name: "where", strict: true, schema: {
    type: "object", properties: { place: { type: "string" } }, required: ["place"], additionalProperties: false } } },
});
check("structured output", structured.choices[0].message.parsed.place === "Berlin");

check("models", (await client.models.list()).data.some((model) => model.id === "local"));
check("retrieve", (await client.models.retrieve("local")).id === "local");
await raises("an unknown model", OpenAI.NotFoundError, () => client.models.retrieve("nobody"));
await raises("an unknown bot", OpenAI.NotFoundError, () => chat({ model: "nobody" }));
const stranger = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "bw-no", maxRetries: 0 });
await raises("a wrong key", OpenAI.AuthenticationError, () => stranger.models.list());
const bad = await raises("a bad value", OpenAI.BadRequestError, () => chat({ temperature: 3 }));
check("a bad value's name", bad.param === "temperature");
await raises("tools for a bot of texts", OpenAI.BadRequestError, () => chat({ tools }));
await raises("too long a prompt", OpenAI.UnprocessableEntityError,
  () => chat({ messages: [{ role: "user", content: "word ".repeat(3000) }] }));
await raises("a busy service", OpenAI.RateLimitError, () => chat({ model: "busy" }));
await raises("a broken service", OpenAI.InternalServerError, () => chat({ model: "broken" }));

const slow = await chat({ model: "slow", stream: true });
let heard = 0;
for await (const _ of slow) {
  heard++;
  slow.controller.abort();
}
check("cancel", heard === 1);

const judge = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: local.bellwether.feedback_token, maxRetries: 0 });
check("feedback", (await judge.post("/feedback", { body: { kind: "thumb", value: "up" } })).feedback_id);
await raises("bad feedback", OpenAI.UnprocessableEntityError, () => judge.post("/feedback", { body: { kind: "clap" } }));
console.log("all done");
