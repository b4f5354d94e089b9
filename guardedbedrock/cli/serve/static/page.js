"use strict";
// Polls the server for new requests and shows them. All data is inserted as text, never as markup.

const PAUSE = 700; // ms between two polls
const KEPT = 500; // requests on the page
const list = document.getElementById("calls");
const kinds = {
  all: () => true,
  denied: (call) => call.denied,
  intervened: (call) => call.intervened,
  failed: (call) => call.status >= 400 && !call.denied,
};
let calls = [];
let latest = "";
let shown = "all";

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function outcome(call) {
  if (call.denied) return ["denied", "bad"];
  if (call.error) return [`${call.status} ${call.error.replace(/Exception$/, "")}`, "bad"];
  if (call.status >= 400) return [String(call.status), "bad"];
  if (call.intervened) return ["intervened", "odd"];
  return [String(call.status), "good"];
}

function kindOf(word) {
  if (word === "allowed" || word === "NONE") return "good";
  return word === "indeterminate" || word === "ANONYMIZED" ? "odd" : "bad";
}

function decisionItem(decision) {
  const item = make("li");
  item.append(make("span", decision.outcome, `badge ${kindOf(decision.outcome)}`), " ", make("code", decision.action), " on ");
  item.append(make("code", decision.resource));
  const by = decision.statements.length ? `by ${decision.statements.join(", ")}` : "";
  const why = decision.message || [decision.policyType && decision.outcome !== "allowed" ? decision.policyType : "", by].join(" ").trim();
  if (why) item.append(make("span", why, "why"));
  return item;
}

function assessmentItem(assessment) {
  const item = make("li");
  const side = assessment.source === "INPUT" ? "prompt" : "response";
  item.append(make("span", assessment.action, `badge ${kindOf(assessment.action)}`), ` ${side}, `);
  item.append(make("code", assessment.guardrail), ` version ${assessment.version}`);
  for (const finding of assessment.findings) {
    item.append(make("span", `${finding.policy}: ${finding.what} (${finding.action})`, "why"));
  }
  return item;
}

function section(title, items) {
  const parts = document.createDocumentFragment();
  if (!items.length) return parts;
  parts.append(make("h2", title));
  const entries = make("ul");
  entries.append(...items);
  parts.append(entries);
  return parts;
}

function details(call, into) {
  into.append(section("IAM decisions", call.decisions.map(decisionItem)));
  into.append(section("Guardrail assessments", call.assessments.map(assessmentItem)));
  into.append(section("Injected faults", call.faults.map((fault) => make("li", fault))));
  into.append(make("h2", "Parameters"), make("pre", call.params));
  into.append(make("h2", "Request ID"), make("code", call.id));
}

function element(call) {
  const item = document.getElementById("call").content.firstElementChild.cloneNode(true);
  const [word, kind] = outcome(call);
  const at = new Date(call.at * 1000);
  const time = item.querySelector("time");
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleTimeString([], { hour12: false });
  item.querySelector(".operation").textContent = call.operation;
  item.querySelector(".model").textContent = call.model || "";
  const guardrail = item.querySelector(".guardrail");
  guardrail.textContent = call.guardrail ? `${call.guardrail.split("/").pop()} version ${call.version}` : call.model ? "no guardrail" : "";
  guardrail.classList.toggle("none", !call.guardrail);
  item.querySelector(".outcome").append(make("span", word, `badge ${kind}`));
  item.dataset.id = call.id;
  item.hidden = !kinds[shown](call);
  // The details are built when they are first opened.
  item.querySelector("details").addEventListener("toggle", () => {
    const more = item.querySelector(".more");
    if (!more.childNodes.length) details(call, more);
  });
  return item;
}

function count() {
  for (const [name, fits] of Object.entries(kinds)) {
    document.getElementById(`count-${name}`).textContent = calls.filter(fits).length;
  }
  document.getElementById("nothing").hidden = calls.length > 0;
  document.getElementById("variables").hidden = calls.length > 0;
}

function addCalls(batch) {
  document.getElementById("where").textContent = `${location.host}, ${batch.region}`;
  if (batch.reset) {
    calls = [];
    list.replaceChildren();
  }
  for (const call of batch.calls) {
    calls.push(call);
    latest = call.id;
    const item = element(call);
    item.classList.toggle("fresh", !batch.reset);
    list.prepend(item);
  }
  if (batch.reset && !batch.calls.length) latest = "";
  while (calls.length > KEPT) {
    calls.shift();
    list.lastElementChild.remove();
  }
  count();
}

function setState(word, name) {
  const place = document.getElementById("state");
  if (place.textContent !== word) place.textContent = word;
  place.dataset.state = name;
}

async function poll() {
  let pause = PAUSE;
  try {
    const response = await fetch(`/_guardedbedrock/calls?after=${encodeURIComponent(latest)}`);
    if (!response.ok) throw new Error(response.status);
    const batch = await response.json();
    addCalls(batch);
    setState("Live", "live");
    if (batch.more) pause = 0;
  } catch {
    setState("No connection to the server", "lost");
  }
  setTimeout(poll, pause);
}

function show(name) {
  shown = name;
  for (const button of document.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === name));
  }
  const byId = new Map(calls.map((call) => [call.id, call]));
  for (const item of list.children) item.hidden = !kinds[name](byId.get(item.dataset.id));
}

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => show(button.dataset.show));
}
document.getElementById("variables").textContent = ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL_BEDROCK"]
  .map((name) => `export ${name}=${location.origin}`)
  .join("\n");
count();
poll();
