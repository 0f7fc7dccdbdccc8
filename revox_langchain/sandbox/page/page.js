// Listens to the sandbox, shows what changes, and tells it what its reader does.
import { LINES, callBody, callSummary, el, exchangeBody, exchangeSummary, moment, turns, webhookBody, webhookSummary } from "./draw.js";

const pieces = new Map();
const at = (id) => document.getElementById(id);

async function tell(path, body, method = "POST") {
  const headers = { "content-type": "application/json", authorization: "Bearer page" };
  try {
    const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) {
      const refused = answer.status === 401 ? "This sandbox takes only the key it was started with: dial with that from a program." : null;
      throw new Error(refused ?? String(said.error ?? answer.status).replace(/^\w+Error: /, ""));
    }
    problem(null);
    return said;
  } catch (error) {
    problem(error instanceof TypeError ? "The sandbox cannot be reached." : error.message);
    return null;
  }
}

function problem(words) {
  at("problem").hidden = !words;
  at("problem").textContent = words ?? "";
}

// Each entry keeps its element, so that what is open stays open and what has the focus keeps it.
function keyed(place, names, summary, body) {
  const list = at(place);
  const shown = new Map([...list.children].map((child) => [child.dataset.name, child]));
  let after = null;
  for (const name of names) {
    const text = pieces.get(name);
    if (text === undefined) continue;
    const entry = shown.get(name) ?? el("details", { "data-name": name }, el("summary"), el("div", { class: "body" }));
    shown.delete(name);
    if (entry.drawn !== text) {
      entry.drawn = text;
      entry.firstChild.replaceChildren(...summary(text).filter(Boolean));
      entry.lastChild.replaceChildren(...body(text).filter(Boolean));
    }
    const next = after ? after.nextSibling : list.firstChild;
    if (next !== entry) list.insertBefore(entry, next);
    after = entry;
  }
  shown.forEach((entry) => entry.remove());
  at(place.replace("-list", "-none")).hidden = names.length > 0;
}

function showClock(clock) {
  at("now").textContent = moment(clock.now);
  at("now").setAttribute("datetime", clock.now);
  const slowed = clock.pace !== clock.speed;
  at("pace").textContent = clock.pace === null ? "stands still" : slowed ? "at real speed while you are on the phone" : "";
  const speed = at("speed");
  const value = clock.speed === null ? "" : String(clock.speed);
  if (document.activeElement !== speed && speed.value !== value) {
    if (![...speed.options].some((option) => option.value === value)) speed.append(new Option(`${value} ×`, value));
    speed.value = value;
  }
  at("calls-count").textContent = clock.calls || "";
  at("requests-count").textContent = clock.requests || "";
  at("webhooks-count").textContent = clock.webhooks || "";
}

function act(label, kind, call, what) {
  const button = el("button", { type: "button", class: kind }, label);
  button.addEventListener("click", () => tell("/sandbox/phone", { id: call.id, act: what }));
  return button;
}

function ringing(call) {
  const buttons = el("div", { class: "row" }, act("Pick up", "yes", call, "pick_up"), act("Decline", "no", call, "decline"), act("Voicemail", "", call, "voicemail"));
  return el("div", { class: "ringing", role: "group", "aria-label": "A call rings" }, el("div", { role: "status" }, el("h3", {}, `${call.other} is calling`)), buttons);
}

function talking(call) {
  const input = el("input", { name: "words", autocomplete: "off", maxlength: 2000, dir: "auto", required: true });
  const form = el("form", {}, el("label", {}, "What you say, in any language", input), el("button", { type: "submit", class: "yes" }, "Say"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = input.value;
    if (words.trim() && (await tell("/sandbox/phone", { id: call.id, act: "say", words }))) input.value = "";
  });
  const made = el(
    "div",
    { class: "talking", role: "group", "aria-label": "The call you are on" },
    el("h3", {}, `On the line with ${call.other}`),
    el("div", { class: "log", role: "log", "aria-label": "What was said", tabindex: 0 }, el("ol", { class: "turns" })),
    el("p", { class: "state quiet", role: "status" }),
    form,
    act("Hang up", "no", call, "hang_up"),
  );
  made.input = input;
  return made;
}

function listen(made, call) {
  const order = pieces.get(`call/${call.call_id}`);
  const log = made.querySelector(".log");
  const list = log.firstChild;
  const said = order ? order.transcript : [];
  if (said.length !== list.children.length) {
    list.replaceChildren(...turns(said, "You"));
    log.scrollTop = log.scrollHeight;
  }
  const state = call.state === "speaks" ? "Your turn." : "The assistant speaks…";
  const place = made.querySelector(".state");
  if (place.textContent !== state) place.textContent = state;
}

function showPhone(calls) {
  const shown = new Map([...at("phone").children].map((child) => [child.dataset.name, child]));
  for (const call of calls) {
    const name = `${call.state === "rings" ? "rings" : "talks"}/${call.id}`;
    let made = shown.get(name);
    if (made) shown.delete(name);
    else {
      made = call.state === "rings" ? ringing(call) : talking(call);
      made.dataset.name = name;
      at("phone").append(made);
      if (made.input) made.input.focus({ preventScroll: true });
    }
    if (call.state !== "rings") listen(made, call);
  }
  shown.forEach((made) => made.remove());
  at("idle").hidden = calls.length > 0;
  document.title = calls.some((call) => call.state === "rings") ? "(rings) Revox sandbox" : "Revox sandbox";
}

function show() {
  showClock(pieces.get("clock"));
  showPhone(pieces.get("phone"));
  const named = (kind, list) => pieces.get(list).map((id) => `${kind}/${id}`);
  keyed("calls-list", named("call", "calls"), callSummary, callBody);
  keyed("exchanges-list", named("exchange", "exchanges"), exchangeSummary, exchangeBody);
  keyed("webhooks-list", named("webhook", "webhooks"), webhookSummary, webhookBody);
}

function showLines(name) {
  const things = pieces.get(name);
  at(name).replaceChildren(...things.map(LINES[name]));
  at(`${name}-count`).textContent = things.length || "";
}

const stream = new EventSource("/sandbox/events");
stream.addEventListener("message", (event) => {
  const news = JSON.parse(event.data);
  if (news.whole) pieces.clear();
  news.gone.forEach((name) => pieces.delete(name));
  Object.entries(news.changed).forEach(([name, piece]) => pieces.set(name, piece));
  Object.keys(LINES).filter((name) => name in news.changed).forEach(showLines);
  show();
});
stream.addEventListener("error", () => problem("The connection to the sandbox is lost; this page tries again."));
stream.addEventListener("open", () => problem(null));

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.jump) tell("/sandbox/advance", { seconds: Number(button.dataset.jump) });
  if (button?.dataset.dial) {
    const prompt = "Ask whether the appointment on Tuesday still suits them.";
    tell("/api/call", { phone_number: button.dataset.dial, assistant: { prompt } });
  }
});
at("speed").addEventListener("change", (event) => {
  tell("/sandbox/speed", { speed: event.target.value === "" ? null : Number(event.target.value) });
});
at("clear-faults").addEventListener("click", () => tell("/sandbox/faults", {}, "DELETE"));
at("receive").addEventListener("submit", (event) => {
  event.preventDefault();
  tell("/sandbox/receive", Object.fromEntries(new FormData(event.target)));
});
at("fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, on, times, seconds } = Object.fromEntries(new FormData(event.target));
  tell("/sandbox/faults", { kind, on: on || null, times: Number(times), seconds: seconds === "" ? null : Number(seconds) });
});
