"use strict";
// The chat page: streams replies from the gateway and sends what the user thinks of them.
const meta = (name) => document.querySelector(`meta[name="bellwether-${name}"]`).content;
const bot = meta("bot");
const key = meta("key");
const reasons = meta("reasons").split("|").filter(Boolean);
const log = document.getElementById("log");
const form = document.getElementById("ask");
const question = document.getElementById("question");
const send = document.getElementById("send");
let talk = newTalk();
let busy = false;

// crypto.randomUUID is missing where the page comes over plain HTTP from another machine.
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function newTalk() {
  return { id: randomId(), turns: [], end: new AbortController() };
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(text, label, action) {
  const node = element("button", "", text);
  node.type = "button";
  node.setAttribute("aria-label", label);
  node.addEventListener("click", action);
  return node;
}

function show(node) {
  log.append(node);
  log.scrollTop = log.scrollHeight;
}

function replyBox() {
  const box = element("div", "turn bot");
  box.append(element("span", "text", ""));
  return box;
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: /, "");
      if (data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

async function problem(response) {
  try {
    const json = await response.json();
    return json.error ? json.error : { code: json.code, message: json.detail };
  } catch {
    return { message: `The service answered ${response.status}.` };
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (failure) {
    throw failure.name === "AbortError" ? failure : new Error("The service cannot be reached. Please try again.");
  }
  if (!response.ok) {
    const { code, message } = await problem(response);
    throw Object.assign(new Error(message), { code });
  }
  return response;
}

async function ask(talk, turns, duel) {
  const response = await call("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    signal: talk.end.signal,
    body: JSON.stringify({
      model: bot, messages: turns, stream: true,
      bellwether: { conversation_id: talk.id, duel },
    }),
  });
  const boxes = [];
  let token;
  const row = element("div");
  show(row);
  for await (const event of events(response)) {
    if (event.error) throw new Error(event.error.message);
    for (const choice of event.choices) {
      if (!boxes[choice.index]) {
        boxes[choice.index] = replyBox();
        row.append(boxes[choice.index]);
        if (boxes.length > 1) row.className = "duel";
      }
      boxes[choice.index].firstChild.textContent += choice.delta.content || "";
      log.scrollTop = log.scrollHeight;
    }
    if (event.bellwether) token = event.bellwether.feedback_token;
  }
  // Of a duel one side may not have come.
  return { boxes: boxes.filter(Boolean), token, row };
}

async function feedback(token, body, said) {
  try {
    await call("/v1/feedback", {
      method: "POST",
      headers: {
        "content-type": "application/json", authorization: `Bearer ${token}`,
        "idempotency-key": randomId(),
      },
      body: JSON.stringify(body),
    });
  } catch (failure) {
    said.textContent = failure.message;
    return false;
  }
  said.textContent = "Thank you.";
  return true;
}

function thumbs(box, token) {
  const bar = element("div", "bar");
  const said = element("span", "said");
  said.setAttribute("role", "status");
  // The last thumb counts whole: it says again which reasons were given before.
  let given = new Set();
  let voting = false;
  const vote = async (value, now) => {
    if (voting) return;
    voting = true;
    const body = now.size ? { kind: "thumb", value, reasons: [...now] } : { kind: "thumb", value };
    const done = await feedback(token, body, said);
    voting = false;
    if (!done) return;
    given = now;
    if (value === "up") bar.querySelectorAll(".reason").forEach((node) => node.remove());
    else why(bar, said, (reason) => vote("down", toggled(given, reason)));
    bar.querySelectorAll(".thumb").forEach((node) => press(node, node.classList.contains(value)));
    bar.querySelectorAll(".reason").forEach((node) => press(node, given.has(node.textContent)));
  };
  for (const [text, label, value] of [["Good", "Good answer", "up"], ["Bad", "Bad answer", "down"]]) {
    const node = button(text, label, () => vote(value, value === "up" ? new Set() : given));
    node.classList.add("thumb", value);
    press(node, false);
    bar.append(node);
  }
  const correct = button("Correct it", "Write what the answer should have been", () => edit(box, token, said));
  correct.classList.add("correct");
  bar.append(correct, said);
  box.append(bar);
}

function press(node, pressed) {
  node.setAttribute("aria-pressed", String(pressed));
}

function toggled(set, member) {
  const other = new Set(set);
  if (!other.delete(member)) other.add(member);
  return other;
}

function why(bar, said, pressed) {
  if (bar.querySelector(".reason")) return;
  for (const reason of reasons) {
    const node = button(reason, `Because it is ${reason}`, () => pressed(reason));
    node.classList.add("reason");
    bar.insertBefore(node, said);
  }
}

function edit(box, token, said) {
  if (box.querySelector("textarea")) return;
  const area = element("textarea");
  area.value = box.querySelector(".text").textContent;
  area.rows = 4;
  area.setAttribute("aria-label", "What the answer should have been");
  const bar = element("div", "bar");
  const save = button("Send correction", "Send correction", async () => {
    if (await feedback(token, { kind: "edit", text: area.value }, said)) {
      area.remove();
      bar.remove();
    }
  });
  save.classList.add("save");
  bar.append(save, button("Cancel", "Cancel the correction", () => { area.remove(); bar.remove(); }));
  box.append(area, bar);
  area.focus();
}

function choose(row, boxes, token) {
  const said = element("span", "said");
  said.setAttribute("role", "status");
  return new Promise((resolve) => {
    const finish = async (body, kept) => {
      if (!(await feedback(token, body, said))) return;
      row.querySelectorAll(".bar").forEach((bar) => bar.remove());
      boxes.forEach((box, i) => { box.style.opacity = i === kept ? "1" : ".45"; });
      row.append(said);
      resolve(kept);
    };
    boxes.forEach((box, i) => {
      const bar = element("div", "bar");
      const node = button("This one is better", `Answer ${i + 1} is better`, () => finish({ kind: "preference", chosen: i }, i));
      node.classList.add("choose");
      bar.append(node);
      box.append(bar);
    });
    const bar = element("div", "bar");
    bar.append(
      button("Both are good", "Both answers are good", () => finish({ kind: "preference", chosen: "tie" }, 0)),
      button("Both are bad", "Both answers are bad", () => finish({ kind: "preference", chosen: "both_bad" }, 0)),
      said);
    row.append(bar);
    log.scrollTop = log.scrollHeight;
  });
}

// Of a talk that has grown too long for the bot, the oldest turns are left out.
async function askWithin(talk, duel) {
  for (let turns = talk.turns; ; turns = turns.slice(2)) {
    try {
      const reply = await ask(talk, turns, duel);
      talk.turns = turns;
      return reply;
    } catch (failure) {
      if (failure.code !== "context_length_exceeded" || turns.length < 3) throw failure;
    }
  }
}

async function turn(talk, text) {
  talk.turns.push({ role: "user", content: text });
  show(element("div", "turn user", text));
  const duel = new URLSearchParams(location.search).get("duel") || "auto";
  const { boxes, token, row } = await askWithin(talk, duel);
  let kept = 0;
  if (boxes.length > 1 && token) {
    kept = await choose(row, boxes, token);
  } else if (token) {
    thumbs(boxes[0], token);
  }
  talk.turns.push({ role: "assistant", content: boxes[kept].querySelector(".text").textContent });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || busy) return;
  setBusy(true);
  question.value = "";
  const mine = talk;
  try {
    await turn(mine, text);
  } catch (failure) {
    if (mine !== talk) return;
    mine.turns.pop();
    question.value = text;
    const note = element("p", "error", failure.message);
    note.setAttribute("role", "alert");
    show(note);
  } finally {
    if (mine === talk) setBusy(false);
  }
});

function setBusy(now) {
  busy = now;
  send.disabled = now;
  if (!now) question.focus();
}

question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    form.requestSubmit();
  }
});

function restart(...shown) {
  talk.end.abort();
  talk = newTalk();
  log.replaceChildren(...shown);
  setBusy(false);
}

document.getElementById("restart").addEventListener("click", () => restart());

document.getElementById("forget").addEventListener("click", async () => {
  if (!confirm("Delete everything that you wrote and judged here? This cannot be undone.")) return;
  talk.end.abort();
  setBusy(true);
  let note;
  try {
    const response = await call("/v1/visitors", {
      method: "DELETE", headers: { authorization: `Bearer ${key}` },
    });
    const until = new Date((await response.json()).erased_by).toLocaleDateString();
    note = element("p", "hint", `You are forgotten. The last copies are gone by ${until}.`);
  } catch (failure) {
    if (failure.code !== "unknown_visitor") {
      note = element("p", "error", failure.message);
      note.setAttribute("role", "alert");
      show(note);
      setBusy(false);
      return;
    }
    note = element("p", "hint", "Nothing is known of you.");
  }
  note.setAttribute("role", "status");
  restart(note);
});
