"use strict";
// Draws the matrix from the data in the page. All data is inserted as text, never as markup.

const ROWS = 40; // rows to draw at first, and with each "Show more rows"
const find = (id) => document.getElementById(id);
let data;
const fields = ["guardrail", "principal", "model", "decision", "unguarded"];
let kind = "none";
let limit = ROWS;
let columnsOf = new Map();

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

const outcome = (answer) => data.strings[data.answers[answer][0]];
const group = (name) => (name.endsWith("Deny") ? "denied" : name);

// A row stores the cells of a situation as runs: cell, length, cell, length. -1 is a model that the Region does not have.
function unpack(runs) {
  const cells = [];
  for (let at = 0; at < runs.length; at += 2) for (let n = 0; n < runs[at + 1]; n += 1) cells.push(runs[at]);
  return cells;
}
const choice = () => data.choices[Number(find("guardrail").value)];
const cellsOf = (row, situation) => data.lines[row.lines[situation]];

// Models that every row decides alike in the Region share a column.
function columns(region) {
  if (columnsOf.has(region)) return columnsOf.get(region);
  const situations = data.situations.map((one, index) => [one, index]).filter(([one]) => one.region === region).map(([, index]) => index);
  const lines = [...new Set(data.rows.flatMap((row) => situations.map((one) => row.lines[one])))].map((line) => data.lines[line]);
  const groups = new Map();
  data.models.forEach((model, index) => {
    const key = lines.map((line) => line[index]).join();
    if (lines.length && lines.every((line) => line[index] === -1)) return;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(index);
  });
  columnsOf.set(region, [...groups.values()]);
  return columnsOf.get(region);
}

function label(cell) {
  const names = data.cells[cell].map(outcome);
  return new Set(names).size === 1 ? names[0] : names.map((name, index) => `${data.operations[index]}: ${name}`).join(", ");
}

function keysOf(cell) {
  return [...new Set(data.cells[cell].flatMap((answer) => data.answers[answer][2].map((key) => data.strings[key])))];
}

function drawCell(row, situation, column) {
  const cell = cellsOf(row, situation)[column[0]];
  const place = make("td");
  if (cell === undefined || cell === -1) {
    place.append(make("span", "not in this Region", "quiet"));
    return place;
  }
  const groups = data.groups[cell];
  const button = make("button", label(cell), `cell ${groups.length === 1 ? groups[0] : groups.includes("allowed") ? "allowed" : "mixed"}`);
  button.type = "button";
  const keys = keysOf(cell);
  if (keys.length) button.append(make("small", `depends on ${keys.join(", ")}`));
  button.addEventListener("click", () => explain(row, situation, column, cell));
  place.append(button);
  return place;
}

// A long name may break after a colon or a slash, not in a word.
function withBreaks(element, text) {
  element.append(...text.split(/(?<=[:/])/).flatMap((part) => [document.createElement("wbr"), part]).slice(1));
  return element;
}

function listButton(first, all, title) {
  if (all.length === 1) return withBreaks(make("span"), first);
  const button = withBreaks(make("button", undefined, "link"), `${first} and ${all.length - 1} more`);
  button.type = "button";
  button.addEventListener("click", () => {
    const list = make("ul");
    list.append(...all.map((one) => make("li", one)));
    open(title, [list]);
  });
  return button;
}

function draw() {
  const { region, situations } = choice();
  const situation = situations[kind];
  const none = situations.none;
  const decision = find("decision").value;
  const only = find("unguarded").checked;
  const wanted = find("principal").value.trim().toLowerCase();
  const model = find("model").value.trim().toLowerCase();
  const has = (cell, name) => cell !== -1 && data.groups[cell].includes(name);
  let shownColumns = columns(region)
    .map((column) => column.filter((index) => !model || data.models[index].search.includes(model)))
    .filter((column) => column.length);
  const indexes = shownColumns.map((column) => column[0]);
  // Rows share few lines, so each line is searched once.
  const lineHas = new Map();
  const any = (line, name) => {
    const key = `${line} ${name}`;
    if (!lineHas.has(key)) lineHas.set(key, indexes.some((index) => has(data.lines[line][index], name)));
    return lineHas.get(key);
  };
  const rows = data.rows.filter(
    (row) =>
      (!wanted || row.search.includes(wanted)) &&
      (!only || any(row.lines[none], "allowed")) &&
      (!decision || any(row.lines[situation], decision)),
  );
  if (only) {
    const lines = [...new Set(rows.map((row) => row.lines[none]))].map((line) => data.lines[line]);
    shownColumns = shownColumns.filter((column) => lines.some((line) => has(line[column[0]], "allowed")));
  }
  const table = make("table", undefined, kind);
  table.append(make("caption", undefined));
  table.caption.hidden = true;
  const head = make("tr");
  const corner = make("th", "Principals");
  corner.scope = "col";
  head.append(corner);
  for (const column of shownColumns) {
    const cell = make("th");
    cell.scope = "col";
    cell.append(listButton(data.models[column[0]].label, column.map((index) => data.models[index].label), "Models with equal decisions"));
    head.append(cell);
  }
  const top = make("thead");
  top.append(head);
  const body = make("tbody");
  for (const row of rows.slice(0, limit)) {
    const line = make("tr");
    const name = make("th");
    name.scope = "row";
    const found = wanted ? row.principals.filter((one) => one.toLowerCase().includes(wanted)) : row.principals;
    const listed = found.length ? found : row.principals;
    name.append(listButton(listed[0], listed, "Principals with equal decisions"));
    line.append(name, ...shownColumns.map((column) => drawCell(row, situation, column)));
    body.append(line);
  }
  table.append(top, body);
  find("matrix").replaceChildren(table);
  find("more").hidden = rows.length <= limit;
  const people = rows.reduce((sum, row) => sum + row.principals.filter((one) => !wanted || one.toLowerCase().includes(wanted)).length, 0);
  const models = shownColumns.reduce((sum, column) => sum + column.length, 0);
  find("shown").textContent = `${people} principals in ${rows.length} rows, ${models} models in ${shownColumns.length} columns`;
}

function filled(text, situation, model) {
  const values = [data.models[model].id, data.models[model].base, data.situations[situation].guardrail, data.situations[situation].arn];
  return data.placeholders.reduce((result, name, index) => (values[index] ? result.replaceAll(name, values[index]) : result), text);
}

function explain(row, situation, column, cell) {
  const { kind: of, region, guardrail } = data.situations[situation];
  const carries = { none: "without a guardrail", other: "with another guardrail, represented by", approved: "with" }[of];
  const fill = (number) => filled(data.strings[number], situation, column[0]);
  const content = [make("p", `Calls in ${region} ${carries} ${guardrail || ""}`.trim())];
  if (row.principals.length > 1) {
    content.push(make("p", `${row.principals.length} principals have this decision. The explanation is that of the first one.`, "quiet"));
  }
  if (column.length > 1) content.push(make("p", `${column.length} models have this decision. The explanation is that of the first one.`, "quiet"));
  data.cells[cell].forEach((answer, index) => {
    const [name, type, keys, action, resource, summary, statements, remarks] = data.answers[answer];
    const title = make("h3", `${data.operations[index]}: `);
    title.append(make("span", data.strings[name], `tag ${data.strings[name]}`));
    content.push(title);
    if (action !== -1) {
      const request = make("p");
      request.append(make("code", data.strings[action]), " on ", make("code", fill(resource)));
      content.push(request);
    }
    if (type !== -1) content.push(make("p", `Decided by: ${data.strings[type]}`));
    if (summary !== -1) content.push(make("p", fill(summary)));
    if (keys.length) content.push(make("p", `Depends on: ${keys.map((key) => data.strings[key]).join(", ")}`));
    const list = make("ul");
    for (const [kindOf, effect, text] of statements) list.append(make("li", `${data.strings[kindOf]}, ${data.strings[effect]}: ${fill(text)}`));
    for (const one of remarks) list.append(make("li", fill(one)));
    if (list.childElementCount) content.push(list);
  });
  open(`${row.principals[0]}, ${data.models[column[0]].label}`, content);
}

function open(title, content) {
  find("details-title").textContent = title;
  find("details-body").replaceChildren(...content);
  find("details").showModal();
}

function redraw() {
  limit = ROWS;
  const approved = find("kinds").querySelector("[data-kind=approved]");
  approved.disabled = choice().situations.approved === undefined;
  if (approved.disabled && kind === "approved") kind = "none";
  for (const one of find("kinds").querySelectorAll("button")) one.setAttribute("aria-pressed", String(one.dataset.kind === kind));
  draw();
}

function start(text) {
  data = JSON.parse(text);
  data.lines = data.lines.map(unpack);
  data.groups = data.cells.map((cell) => [...new Set(cell.map((answer) => group(outcome(answer))))]);
  for (const row of data.rows) row.search = row.principals.join("\n").toLowerCase();
  for (const one of data.models) one.search = `${one.label} ${one.id}`.toLowerCase();
  data.choices.forEach((one, index) => {
    const option = make("option", one.label);
    option.value = String(index);
    find("guardrail").append(option);
  });
  for (const name of fields) find(name).addEventListener("input", redraw);
  for (const button of find("kinds").querySelectorAll("button")) {
    button.addEventListener("click", () => { kind = button.dataset.kind; redraw(); });
  }
  find("more").addEventListener("click", () => { limit += ROWS; draw(); });
  find("close").addEventListener("click", () => find("details").close());
  redraw();
}

// The data of a large page are compressed.
async function decompress(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

const given = find("data");
if (given.type === "application/json") start(given.textContent);
else decompress(given.textContent).then(start);
