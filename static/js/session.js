/*
 * The page on which a technician records a session, while it is online.
 *
 * Markup: an element with data-session and data-events-url; in it tiles with
 * data-capture="counter|duration|trial" and data-target-id, their buttons with
 * data-action="count|undo|toggle|trial", and the bar of components/capture_bar.html.
 * The rules of the queue are in session-state.js. Entries are kept in memory
 * only: the page warns before it is left with anything unsent.
 */

import { csrfToken, renewCsrfToken } from "./csrf.js";
import { SessionState, clockText, scoredTrials, trialPercentage } from "./session-state.js";

const GATHER_MS = 150; // several quick taps go in one request
const TIMEOUT_MS = 15000;
const KEEPALIVE_BYTES = 60000; // browsers refuse more when the page is hidden

class SessionPage {
  constructor(root) {
    this.root = root;
    this.state = new SessionState({
      now: () => Date.now(),
      monotonic: () => performance.now(),
      newId: () => crypto.randomUUID(),
    });
    this.tiles = new Map();
    this.timer = null;
    this.texts = root.querySelector("template[data-session-texts]");
    for (const tile of root.querySelectorAll("[data-capture]")) this.addTile(tile);
    root.addEventListener("click", (event) => this.tapped(event));
    root.querySelector("[data-session-end-form]")?.addEventListener("submit", (event) => this.ending(event));
    root.querySelector("[data-session-retry]")?.addEventListener("click", () => this.sendNow());
    window.addEventListener("beforeunload", (event) => {
      if (this.state.unsent === 0) return;
      event.preventDefault();
      event.returnValue = true; // older Safari
    });
    window.addEventListener("online", () => this.sendNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.send({ leaving: true });
      else this.sendNow();
    });
    setInterval(() => this.showClocks(), 250);
    this.show();
  }

  text(key, values = {}) {
    const words = this.texts?.content.querySelector(`[data-key="${key}"]`)?.textContent ?? "";
    return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  addTile(tile) {
    const { targetId, capture, lastEventId, lastOutcome } = tile.dataset;
    const data = tile.dataset;
    this.tiles.set(targetId, tile);
    this.state.addTarget({
      id: targetId,
      kind: capture,
      metrics: {
        count: data.metricsCount,
        correct: data.metricsCorrect,
        incorrect: data.metricsIncorrect,
        prompted: data.metricsPrompted,
        no_response: data.metricsNoResponse,
        duration_seconds: data.metricsSeconds,
        occurrences: data.metricsOccurrences,
        running_since: data.metricsRunningSince,
        running_event_id: data.metricsRunningEventId,
      },
      undoable: lastEventId ? [{ id: lastEventId, outcome: lastOutcome }] : [],
    });
  }

  /* ---- Entering ---- */

  tapped(event) {
    const button = event.target.closest("[data-action]");
    const tile = button?.closest("[data-capture]");
    if (!tile) return;
    const id = tile.dataset.targetId;
    const { action, outcome, promptLevel } = button.dataset;
    let entered = null;
    if (action === "count") entered = this.state.count(id);
    else if (action === "undo") entered = this.state.undo(id);
    else if (action === "trial") entered = this.state.trial(id, outcome, promptLevel);
    else if (action === "toggle") entered = this.state.start(id) ?? this.state.stop(id);
    if (!entered) return;
    this.show();
    if (this.state.failures === 0) this.sendIn(GATHER_MS);
  }

  ending(event) {
    if (!this.state.endBlockedBy) return;
    event.preventDefault();
    this.sendNow();
  }

  /* ---- Sending ---- */

  sendNow() {
    this.state.retryStuck();
    this.sendIn(0);
  }

  sendIn(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), milliseconds);
  }

  async send({ leaving = false } = {}) {
    const batch = this.state.takeBatch(leaving ? KEEPALIVE_BYTES : undefined);
    if (!batch) return;
    const moved = await this.exchange(batch, leaving);
    this.show();
    if (this.state.pending.length > 0) this.sendIn(moved ? 0 : this.state.retryDelay);
  }

  /* One request. Whatever comes back, only a verdict on an entry's own id counts. */
  async exchange(batch, leaving) {
    try {
      const response = await fetch(this.root.dataset.eventsUrl, {
        method: "POST",
        credentials: "same-origin",
        redirect: "manual", // a sign-in page is no answer
        cache: "no-store",
        keepalive: leaving,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
        body: JSON.stringify({ events: batch }),
      });
      if (response.type === "opaqueredirect") return this.state.applyFailure(401);
      if (response.status === 403) await renewCsrfToken();
      if (!response.ok) return this.state.applyFailure(response.status);
      return this.state.applyAnswer(await response.json());
    } catch {
      return this.state.applyFailure(0);
    }
  }

  /* ---- Showing ---- */

  show() {
    for (const [id, tile] of this.tiles) this.showTile(id, tile);
    const { key, count } = this.state.summary;
    setText(this.root.querySelector("[data-session-status]"), this.text(key, { count }));
    const blocked = this.state.endBlockedBy;
    setText(this.root.querySelector("[data-session-reason]"), blocked ? this.text(blocked) : "");
    setDisabled(this.root.querySelector("[data-session-end]"), Boolean(blocked));
    setHidden(this.root.querySelector("[data-session-retry]"), !["unsaved", "signed-out", "held", "stuck"].includes(key));
    const signIn = this.root.querySelector("[data-session-sign-in]");
    if (signIn) {
      signIn.href = document.body.dataset.signInUrl ?? "/";
      setHidden(signIn, !["signed-out", "held"].includes(key));
    }
  }

  showTile(id, tile) {
    const kind = tile.dataset.capture;
    const metrics = this.state.metrics(id);
    const value = tile.querySelector("[data-value]");
    const detail = tile.querySelector("[data-detail]");
    if (kind === "counter") setText(value, metrics.count === null ? "–" : String(metrics.count));
    if (kind === "trial") {
      const percentage = trialPercentage(metrics);
      setText(value, percentage === null ? "–" : `${percentage}%`);
      const scored = scoredTrials(metrics);
      const { correct, prompted } = metrics;
      setText(detail, scored === 0 ? "" : this.text("trials", { correct: correct ?? 0, prompted: prompted ?? 0, scored }));
    }
    if (kind === "duration") this.showDuration(id, tile, metrics, value, detail);
    setDisabled(tile.querySelector('[data-action="undo"]'), !this.state.canUndo(id));
    const status = this.state.tileState(id);
    const line = tile.querySelector("[data-state-text]");
    line.dataset.state = status;
    setText(line, status ? this.text(`tile-${status}`) : "");
  }

  showDuration(id, tile, metrics, value, detail) {
    const running = Boolean(metrics.runningSince);
    const elapsed = this.state.elapsedSeconds(id);
    setText(value, elapsed === null ? "–" : clockText(elapsed));
    const count = metrics.occurrences;
    setText(detail, count === null ? "" : this.text(count === 1 ? "times-one" : "times-many", { count }));
    tile.classList.toggle("capture-running", running);
    for (const part of tile.querySelectorAll("[data-icon], [data-label]")) {
      const isStop = (part.dataset.icon ?? part.dataset.label) === "stop";
      part.toggleAttribute("hidden", isStop !== running);
    }
  }

  showClocks() {
    for (const [id, tile] of this.tiles) {
      if (tile.dataset.capture !== "duration" || !this.state.metrics(id).runningSince) continue;
      setText(tile.querySelector("[data-value]"), clockText(this.state.elapsedSeconds(id)));
    }
  }
}

function setText(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

function setHidden(element, hidden) {
  if (element && element.hidden !== hidden) element.hidden = hidden;
}

/* aria-disabled keeps the focus and lets the reason be read; app.js stops the click. */
function setDisabled(button, disabled) {
  if (!button) return;
  button.disabled = false;
  if (disabled) button.setAttribute("aria-disabled", "true");
  else if (button.dataset.lockedInFlight === undefined) button.removeAttribute("aria-disabled");
}

for (const root of document.querySelectorAll("[data-session]")) new SessionPage(root);
