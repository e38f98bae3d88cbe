/*
 * What every page shares: errors of htmx requests, the guard against double
 * submits, dialogs, keyboard shortcuts and where the focus goes.
 *
 * It loads before htmx and needs nothing from it but its events. The words it
 * shows stand in the page (template #script-texts), where they are translated.
 */

import { renewCsrfToken } from "./csrf.js";

const INVALID_FORM = 422;
const UNLOCK_AFTER_MS = 15000; // an answer that is a download leaves the page standing
const NOTICE_MS = 10000;
const SHORTCUTS_KEY = "omnirapeutic.single-key-shortcuts";

const texts = document.getElementById("script-texts");

function text(key) {
  return texts?.content.querySelector(`[data-key="${key}"]`)?.textContent ?? "";
}

/* ---- Messages ------------------------------------------------------------- */

/* Show a message; the same one is not repeated. Errors stay until closed. */
function notify(level, words, { kind = "", link = null } = {}) {
  const region = document.getElementById(level === "error" ? "alerts" : "notices");
  const model = texts?.content.querySelector(`[data-message="${level}"] .message`);
  if (!region || !model || !words) return;
  for (const shown of region.children) {
    if (shown.dataset.words === words) return;
  }
  const message = model.cloneNode(true);
  message.dataset.words = words;
  message.dataset.kind = kind;
  const body = message.querySelector(".message-text");
  body.append(words);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.url;
    anchor.target = "_blank";
    anchor.rel = "noopener";
    anchor.textContent = link.label;
    body.append(document.createElement("br"), anchor);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-quiet btn-sm message-close";
  close.textContent = text("close");
  close.addEventListener("click", () => message.remove());
  message.append(close);
  region.append(message);
  if (level === "success" || level === "info") setTimeout(() => message.remove(), NOTICE_MS);
}

document.addEventListener("messagesPosted", (event) => {
  for (const item of event.detail.items ?? []) {
    const level = ["success", "warning", "error"].includes(item.level) ? item.level : "info";
    notify(level, item.text);
  }
});

/* ---- Errors of htmx requests ------------------------------------------------ */

function isWholeDocument(html) {
  return /^\s*(<!doctype|<html)/i.test(html ?? "");
}

/* What an error says: never a part of the answer except a conflict's own line
 * and the incident number. */
function explain(status, ctx) {
  const asked = ctx.sourceElement;
  const onlyReads = ctx.request.method === "GET" || asked?.closest?.("[data-allow-resubmit]");
  const page = new DOMParser().parseFromString(ctx.text ?? "", "text/html");
  if (status === 401) {
    const url = document.body.dataset.signInUrl;
    return [text(onlyReads ? "load-401" : "401"), { kind: "401", link: url ? { url, label: text("sign-in") } : null }];
  }
  if (status === 409) {
    const line = page.querySelector("[data-conflict]")?.textContent.replace(/\s+/g, " ").trim();
    return [line || text("409"), { kind: "409", link: { url: location.href, label: text("current-version") } }];
  }
  let words = text(String(status)) || text(status >= 500 ? "5xx" : "4xx");
  if (onlyReads && status !== 429) words = text("load");
  const incident = page.querySelector("[data-incident-id]")?.textContent.trim();
  if (incident) words += ` ${text("incident")} ${incident}.`;
  return [words, { kind: "http" }];
}

/* Errors never replace content. The page's htmx-config says so too, but without
 * this a "none" swap would still move the address and place out-of-band parts. */
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  const status = ctx?.response?.status;
  if (!status) return;
  if (status >= 400 && status !== INVALID_FORM) {
    event.preventDefault();
  } else if (ctx.request.headers["HX-Request-Type"] === "partial" && isWholeDocument(ctx.text)) {
    event.preventDefault();
    notify("error", text("unexpected"), { kind: "http", link: { url: document.body.dataset.signInUrl, label: text("sign-in") } });
  }
});

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status === INVALID_FORM) return;
  if (ctx.response.status === 403) renewCsrfToken(); // so that saving again can work
  notify("error", ...explain(ctx.response.status, ctx));
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (!ctx || ctx.text !== undefined) return; // it answered: the fault is not the network's
  notify("error", text(ctx.request.method === "GET" ? "load" : "network"), { kind: "network" });
});

document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response.status >= 400) return;
  document.querySelectorAll('#alerts [data-kind="network"]').forEach((message) => message.remove());
});

/* ---- Focus after a refused form ----------------------------------------------- */

function focusErrorSummary(within = document) {
  const summary = within.querySelector("[data-error-summary]");
  if (!summary) return false;
  summary.focus();
  summary.scrollIntoView({ block: "nearest" });
  return true;
}

document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.response?.status !== INVALID_FORM) return;
  focusErrorSummary(document.querySelector("dialog[open]") ?? document) || focusErrorSummary();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('.error-summary a[href^="#"]');
  const control = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!control) return;
  event.preventDefault();
  control.focus();
  control.scrollIntoView({ block: "center" });
});

/* ---- One submit at a time ------------------------------------------------------- */

/* Buttons are marked aria-disabled, not disabled: the focus stays where it is,
 * and the clicked button's own value is still sent. */
const unlockTimers = new WeakMap();

function submitButtons(form) {
  return [...form.elements].filter((control) => control.type === "submit" || control.type === "image");
}

function lock(element) {
  if (element.dataset.inFlight !== undefined) return;
  element.dataset.inFlight = "";
  const buttons = element.matches("form") ? submitButtons(element) : [element];
  for (const button of buttons) {
    if (button.getAttribute("aria-disabled") === "true") continue;
    button.setAttribute("aria-disabled", "true");
    button.dataset.lockedInFlight = "";
  }
  unlockTimers.set(element, setTimeout(() => unlock(element), UNLOCK_AFTER_MS));
}

function unlock(element) {
  clearTimeout(unlockTimers.get(element));
  delete element.dataset.inFlight;
  const buttons = element.matches("form") ? submitButtons(element) : [element];
  for (const button of buttons) {
    if (button.dataset.lockedInFlight === undefined) continue;
    button.removeAttribute("aria-disabled");
    delete button.dataset.lockedInFlight;
  }
}

function closesDialog(event) {
  const method = event.submitter?.getAttribute("formmethod") ?? event.target.getAttribute("method");
  return method?.toLowerCase() === "dialog";
}

document.addEventListener("submit", (event) => {
  if (event.target.dataset.inFlight === undefined || closesDialog(event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || closesDialog(event) || form.dataset.allowResubmit !== undefined) return;
  lock(form);
});

document.addEventListener("click", (event) => {
  if (!event.target.closest?.('[aria-disabled="true"]')) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

function lockable(ctx) {
  if (ctx.request.method === "GET") return null;
  const element = ctx.request.form ?? ctx.sourceElement;
  if (!element?.matches?.("form, button") || element.dataset.allowResubmit !== undefined) return null;
  return element;
}

document.addEventListener("htmx:before:request", (event) => {
  const element = lockable(event.detail.ctx);
  if (element) lock(element);
});

document.addEventListener("htmx:finally:request", (event) => {
  const { ctx } = event.detail;
  const element = lockable(ctx);
  // keepIndicators: the answer leads to another page, which is on its way.
  if (element && !ctx.keepIndicators) unlock(element);
});

/* The back button shows the page as it was left: locked. */
window.addEventListener("pageshow", () => {
  document.querySelectorAll("[data-in-flight]").forEach(unlock);
});

/* ---- Dialogs ------------------------------------------------------------------------ */

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = event.target.closest?.("[data-dialog-open]");
  const dialog = opener && document.getElementById(opener.dataset.dialogOpen);
  if (!(dialog instanceof HTMLDialogElement)) return;
  event.preventDefault();
  dialog.showModal();
});

/* ---- Keyboard shortcuts ----------------------------------------------------------------- */

function shortcutsWanted() {
  try {
    return localStorage.getItem(SHORTCUTS_KEY) !== "off";
  } catch {
    return true;
  }
}

function wantShortcuts(wanted) {
  try {
    localStorage.setItem(SHORTCUTS_KEY, wanted ? "on" : "off");
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

function shortcutElements() {
  const found = new Map();
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    if (!found.has(element.dataset.shortcut)) found.set(element.dataset.shortcut, element);
  }
  return found;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

let shortcutDialog = null;

function showShortcuts() {
  shortcutDialog?.remove();
  const list = element("dl", { className: "shortcut-list" });
  const row = (key, words) => list.append(element("dt", {}, element("kbd", { textContent: key })), element("dd", { textContent: words }));
  row("?", text("shortcuts-help"));
  if (document.querySelector("[data-search]")) row("/", text("shortcuts-search"));
  for (const [key, target] of shortcutElements()) {
    row(key, target.dataset.shortcutLabel || target.textContent.trim());
  }
  const choice = element("input", { type: "checkbox", className: "form-check-input", id: "shortcut-choice", checked: shortcutsWanted() });
  choice.addEventListener("change", () => wantShortcuts(choice.checked));
  const label = element("label", { className: "form-check-label", htmlFor: "shortcut-choice", textContent: text("shortcuts-switch") });
  const title = element("h2", { id: "shortcut-title", textContent: text("shortcuts-title") });
  const close = element("button", { className: "btn btn-primary", textContent: text("close"), autofocus: true });
  shortcutDialog = element("dialog", { className: "dialog" }, title, list,
    element("div", { className: "form-check" }, choice, label),
    element("form", { method: "dialog", className: "dialog-actions" }, close));
  shortcutDialog.setAttribute("aria-labelledby", "shortcut-title");
  document.body.append(shortcutDialog);
  shortcutDialog.showModal();
}

document.querySelectorAll("[data-shortcut-help]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", showShortcuts);
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.('input:not([type="checkbox"]):not([type="radio"]):not([type="button"]):not([type="submit"]), textarea, select, [contenteditable=""], [contenteditable="true"]')) return;
  if (document.querySelector("dialog[open]") || !shortcutsWanted()) return;
  if (event.key === "?") {
    event.preventDefault();
    showShortcuts();
    return;
  }
  const target = event.key === "/" ? document.querySelector("[data-search]") : shortcutElements().get(event.key);
  if (!target) return;
  event.preventDefault();
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
});

/* ---- Start ------------------------------------------------------------------------------------ */

focusErrorSummary();
