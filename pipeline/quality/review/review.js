
"use strict";
const { review, cases, decisions, labels, about } = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
// A sheet of a controller has labels of its own, and its file has no note, in which someone could write a name.
const LABELS = labels || {
  place: "Place", people: "People", agreeing: "What agrees", contradicted: "UPRN contradicted",
  lead: "Other dwellings", nhs_records: "NHS records in the group", match_key: "Found by",
};
const MEANS = { same: "Same household", different: "Different", unsure: "Unsure" };
const STORE = "hearth-review-" + review;
let state = { reviewer: "", answers: {} };
let at = 0;

try { state = JSON.parse(localStorage.getItem(STORE)) || state; } catch { /* a browser without storage */ }

function keep() {
  try { localStorage.setItem(STORE, JSON.stringify(state)); } catch { /* the file still saves them */ }
}

function answer() {
  return state.answers[cases[at].case] || { decision: "", note: "" };
}

function show(focus) {
  const row = cases[at];
  find("title").textContent = "Case " + (at + 1) + " of " + cases.length;
  find("facts").replaceChildren(...Object.entries(LABELS).flatMap(([name, label]) => {
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = label;
    value.textContent = row[name];
    return [term, value];
  }));
  const given = answer();
  document.querySelectorAll("#choices input").forEach((box) => { box.checked = box.value === given.decision; });
  find("note").value = given.note;
  find("before").disabled = at === 0;
  find("after").disabled = at === cases.length - 1;
  count();
  if (focus) find("title").focus();
}

function count() {
  const done = cases.filter((row) => (state.answers[row.case] || {}).decision).length;
  find("progress").max = cases.length;
  find("progress").value = done;
  find("done").textContent = done + " of " + cases.length + " decided";
}

function decide(decision, goOn) {
  state.answers[cases[at].case] = { ...answer(), decision };
  keep();
  if (goOn && at < cases.length - 1) go(at + 1); else show(false);
}

function go(place) {
  at = Math.max(0, Math.min(cases.length - 1, place));
  show(true);
}

function quoted(value) {
  const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
  return '"' + safe.replaceAll('"', '""') + '"';
}

function file() {
  const columns = ["review", "case", "decision", "reviewer", ...(labels ? [] : ["note"])];
  const rows = cases.map((row) => {
    const given = state.answers[row.case] || { decision: "", note: "" };
    const cells = [review, row.case, given.decision, state.reviewer, ...(labels ? [] : [given.note])];
    return cells.map(quoted).join(",");
  });
  return [columns.join(","), ...rows, ""].join("\r\n");
}

if (labels) {
  find("about").textContent = about;
  find("note").closest("p").hidden = true;
}
decisions.forEach((decision) => {
  const label = find("choices").appendChild(document.createElement("label"));
  const box = label.appendChild(document.createElement("input"));
  box.type = "radio";
  box.name = "decision";
  box.value = decision;
  box.addEventListener("change", () => decide(decision, false));
  const key = document.createElement("kbd");
  key.textContent = decision[0];
  label.append(" " + MEANS[decision] + " ", key);
});
find("before").addEventListener("click", () => go(at - 1));
find("after").addEventListener("click", () => go(at + 1));
find("open").addEventListener("click", () => {
  const next = cases.findIndex((row, n) => n > at && !(state.answers[row.case] || {}).decision);
  const first = cases.findIndex((row) => !(state.answers[row.case] || {}).decision);
  go(next >= 0 ? next : first >= 0 ? first : at);
});
find("note").addEventListener("input", (event) => {
  state.answers[cases[at].case] = { ...answer(), note: event.target.value.replace(/[\r\n]+/g, " ") };
  keep();
});
find("reviewer").value = state.reviewer;
find("reviewer").addEventListener("input", (event) => { state.reviewer = event.target.value.trim(); keep(); });
find("forget").addEventListener("click", () => {
  if (!confirm("Delete all decisions of this review from this machine?")) return;
  localStorage.removeItem(STORE);
  state = { reviewer: "", answers: {} };
  find("reviewer").value = "";
  go(0);
});
find("save").addEventListener("click", () => {
  if (!state.reviewer) {
    find("done").textContent = "Write your name or initials first.";
    find("reviewer").focus();
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file()], { type: "text/csv" }));
  link.download = "review-" + review + "-" + state.reviewer.replace(/[^A-Za-z0-9]+/g, "-") + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  count();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("textarea, input[type=text]")) return;
  const decision = decisions.find((name) => name[0] === event.key.toLowerCase());
  if (decision) { event.preventDefault(); decide(decision, true); return; }
  if (event.target.matches("input[type=radio]")) return;
  if (event.key === "ArrowLeft") go(at - 1);
  if (event.key === "ArrowRight") go(at + 1);
});
show(false);
