// Makes elements. Texts only ever become text nodes, whatever they hold.

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

const ENDED = ["completed", "cancelled", "errored"];
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const words = (name) => String(name).replaceAll("_", " ");

export const moment = (stamp) => `${DAY.format(new Date(stamp))}, ${stamp.slice(11, 19)} UTC`;
const clock = (stamp) => stamp.slice(11, 19);

export function turns(transcript, callee = "Callee") {
  const who = { user: callee, assistant: "Assistant", human_agent: "Operator", tool: "Tool" };
  return transcript.map((turn) => {
    const said = turn.role === "tool" ? `${turn.tool_name} ${JSON.stringify(turn.tool_arguments)} → ${turn.tool_output}` : turn.content;
    return el("li", { class: turn.role }, el("span", { class: "who" }, who[turn.role] ?? turn.role), el("p", { class: "words", dir: "auto" }, said));
  });
}

function tone(call) {
  if (["cancelled", "errored"].includes(call.status)) return "tone-bad";
  if (ENDED.includes(call.status)) return call.outcome ? "tone-good" : "";
  return "tone-live";
}

export function callSummary(call) {
  const inbound = call.direction === "inbound";
  const waits = call.waits ? (call.waits_until ? `waits until ${moment(call.waits_until)}` : "its calling windows never open") : null;
  return [
    el("span", { class: "main" }, inbound ? `from ${call.from_phone_number}` : call.to_phone_number),
    el("span", { class: tone(call) }, words(call.status)),
    call.outcome && call.outcome !== call.status ? el("span", {}, words(call.outcome)) : null,
    waits ? el("span", { class: "quiet" }, waits) : null,
    el("span", { class: "end" }, `${call.calls_count > 1 ? `${call.calls_count} attempts · ` : ""}${clock(call.created_at)}`),
  ];
}

function attempt(each, place, all) {
  const became = each.dial_error ?? each.result ?? each.status;
  const why = [each.ended_by ? `ended by ${each.ended_by}` : null, each.end_reason].filter(Boolean).map(words).join(", ");
  const times = [each.started_at, each.ended_at].filter(Boolean).map(clock).join("–");
  return el("li", {}, `${all.length - place}. ${words(became)}`, el("span", { class: "quiet" }, ` ${times}${why ? ` · ${why}` : ""}`));
}

export function callBody(call) {
  const values = call.attempts[0]?.structured_output;
  return [
    call.outcome_summary ? el("p", { dir: "auto" }, call.outcome_summary) : null,
    call.transcript.length ? el("h3", {}, "Transcript") : null,
    call.transcript.length ? el("ol", { class: "turns" }, ...turns(call.transcript)) : null,
    values ? el("h3", {}, "Structured output") : null,
    values ? el("pre", { tabindex: 0 }, JSON.stringify(values, null, 1)) : null,
    el("h3", {}, "Attempts"),
    call.attempts.length ? el("ul", { class: "plain" }, ...call.attempts.map(attempt)) : el("p", { class: "quiet" }, "None yet."),
    el("p", { class: "quiet" }, el("code", {}, call.id), call.campaign ? ` · campaign ${call.campaign}` : ""),
    call.metadata ? el("pre", { tabindex: 0 }, JSON.stringify(call.metadata, null, 1)) : null,
  ];
}

export function exchangeSummary(each) {
  const status = each.status ?? "no answer";
  return [
    el("span", { class: "main" }, `${each.method} ${each.path}`),
    el("span", { class: each.status === null || each.status >= 400 ? "tone-bad" : "tone-good" }, status),
    each.operation ? el("span", { class: "quiet" }, each.operation) : null,
    each.fault ? el("span", { class: "tone-bad" }, `fault: ${words(each.fault)}`) : null,
    el("span", { class: "end" }, clock(each.at)),
  ];
}

export function exchangeBody(each) {
  return [
    each.authorization ? el("p", { class: "quiet" }, `Authorization: ${each.authorization}`) : null,
    each.asked ? el("h3", {}, "Request") : null,
    each.asked ? el("pre", { dir: "auto", tabindex: 0 }, each.asked) : null,
    el("h3", {}, "Answer"),
    el("pre", { dir: "auto", tabindex: 0 }, each.answered ?? "The answer was lost."),
  ];
}

export function webhookSummary(post) {
  const came = post.error ?? post.answered ?? "on its way";
  return [
    el("span", { class: "main" }, post.url),
    el("span", { class: post.error || post.answered >= 400 ? "tone-bad" : post.answered ? "tone-good" : "quiet" }, came),
    el("span", { class: "end" }, clock(post.at)),
  ];
}

export const webhookBody = (post) => [el("pre", { dir: "auto", tabindex: 0 }, JSON.stringify(post.payload, null, 1))];

const item = (main, ...quiet) => el("li", {}, el("p", {}, main, el("span", { class: "quiet" }, ` ${quiet.filter(Boolean).join(" · ")}`)));

export const LINES = {
  asked: (each) => item(`${each.method} ${each.url}`, words(each.kind), each.error ?? each.answered, clock(each.at)),
  faults: (each) => item(words(each.kind), each.on ?? "any operation", each.times === null ? "every time" : `${each.times} times`),
  assistants: (each) => item(each.name, each.voice, each.prompt),
  campaigns: (each) => item(each.name, words(each.status), `${each.ended} of ${each.contacts} calls ended`),
  voices: (each) => item(each.name ?? each.id, each.language, each.gender, each.provider),
};
