// The console's few comforts: live events, keys, copying, light or dark. Every page works
// without. Nothing here makes markup from text: all of an event is an attacker's.
"use strict";

const root = document.documentElement;
const byId = (id) => document.getElementById(id);

// Light or dark.
const theme = byId("theme");
const saved = localStorage.getItem("theme");
if (saved === "light" || saved === "dark") root.dataset.theme = saved;
function toggleTheme() {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}
theme.hidden = false;
theme.addEventListener("click", toggleTheme);

// Copying.
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId(button.dataset.copy).textContent);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}

// Rows: a click, Enter, j and k.
const rows = byId("rows");
if (rows) {
  rows.addEventListener("click", (event) => {
    const row = event.target.closest("tr.event");
    if (row && row.dataset.url && !event.target.closest("a, button") && !String(getSelection())) location.assign(row.dataset.url);
  });
}
function move(step) {
  if (!rows) return;
  const all = [...rows.querySelectorAll("tr.event")];
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  switch (event.key) {
    case "j": move(1); break;
    case "k": move(-1); break;
    case "t": toggleTheme(); break;
    case "/": {
      const search = byId("search");
      if (!search) return;
      search.focus();
      break;
    }
    case "Enter":
      if (event.target.matches("tr.event[data-url]")) location.assign(event.target.dataset.url);
      return;
    default: return;
  }
  event.preventDefault();
});

// Live events.
const live = byId("live");
const short = (text, limit) => {
  const letters = [...(text || "")];
  return letters.length > limit ? letters.slice(0, limit).join("") + "…" : letters.join("");
};
const actions = ["blocked", "reported", "excepted", "unjudged"];
if (live && rows) {
  const maxRows = 200;
  let fresh = 0;
  const two = (n) => String(n).padStart(2, "0");
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const clock = (at) => `${at.getUTCDate()} ${months[at.getUTCMonth()]} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const show = (e) => {
    const row = byId("row").content.cloneNode(true).firstElementChild;
    const put = (selector, text) => { row.querySelector(selector).textContent = text; };
    const at = new Date(e.timestamp);
    const count = e["kong_waf.count"];
    row.dataset.url = "/event/" + encodeURIComponent(e["kong_waf.id"]) + (count > 1 ? "+" : "");
    row.querySelector("a").href = row.dataset.url;
    row.querySelector("time").dateTime = e.timestamp;
    put("time", clock(at));
    put(".badge", e["kong_waf.action"]);
    if (actions.includes(e["kong_waf.action"])) row.querySelector(".badge").classList.add(e["kong_waf.action"]);
    put(".times", count > 1 ? "×" + count : "");
    put(".class", (e["kong_waf.classes"] || [e["kong_waf.check"]])[0]);
    put(".place", short((e["kong_waf.places"] || [e["kong_waf.reason"]])[0], 48));
    put(".evidence code", short(e["kong_waf.evidence"], 60));
    if (!e["kong_waf.evidence"]) row.querySelector(".evidence code").remove();
    put(".source", e["client.address"] || "");
    put(".from", e["kong_waf.node"] !== live.dataset.node ? e["kong_waf.node"] || "" : "");
    put(".request", (e["http.request.method"] || "") + " " + short(e["url.path"], 48));
    const except = row.querySelector(".act a");
    if (e["kong_waf.check"] === "detect" && ["blocked", "reported"].includes(e["kong_waf.action"])) except.href = row.dataset.url + "#exception";
    else except.remove();
    const empty = rows.querySelector("td.empty");
    if (empty) empty.parentElement.remove();
    // A folded line tells of something older than what stands on top already.
    const after = [...rows.children].find((r) => !(Date.parse(r.querySelector("time")?.dateTime) > at.getTime()));
    rows.insertBefore(row, after || null);
    while (rows.children.length > maxRows) rows.lastElementChild.remove();
    fresh += count;
    const link = byId("fresh").firstElementChild;
    link.parentElement.hidden = false;
    link.href = location.href;
    link.textContent = `${fresh} new since this page was loaded: renew the charts`;
  };
  const source = new EventSource(live.dataset.url);
  source.onopen = () => { live.hidden = false; };
  source.onerror = () => { live.hidden = true; };
  source.onmessage = (message) => show(JSON.parse(message.data));
  addEventListener("pagehide", () => source.close());
}
