/*
 * The entries of one session page: what was tapped, what the server has, what
 * is still to be sent. No page, no clock, no network: all of it is given in,
 * so that every rule here is tested by itself.
 *
 * An entry ("event") never changes. It leaves the queue only when the server
 * answered "ok" or "rejected" for its own id; a status of 200 means nothing.
 * Undo is an entry of its own. What is shown is what the server knows plus what
 * it has not yet acknowledged.
 */

export const MAX_BATCH_EVENTS = 100;
export const MAX_BATCH_BYTES = 200000;
export const FIRST_RETRY_MS = 1000;
export const LAST_RETRY_MS = 30000;
export const CLOCK_TOLERANCE_MS = 2000;

/* How a trial ends; each is a scored opportunity, only "correct" is independent. */
export const OUTCOMES = ["correct", "incorrect", "prompted", "no_response"];

const encoder = new TextEncoder();

/* Nothing entered is missing, never zero: null, not 0. */
function number(value) {
  if (value === null || value === undefined || value === "") return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

function less(value) {
  return value !== null && value > 1 ? value - 1 : null;
}

/* Per kind of tile: the server's names of its metrics, and what an entry changes. */
const kinds = {
  counter: {
    names: { count: "count" },
    apply(metrics, event) {
      if (event.event_type === "count") return { count: (metrics.count ?? 0) + event.value };
      if (event.event_type === "undo") return { count: less(metrics.count) };
      return metrics;
    },
  },
  trial: {
    names: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, outcome])),
    apply(metrics, event) {
      const { outcome } = event.metadata;
      if (event.event_type === "trial") return { ...metrics, [outcome]: (metrics[outcome] ?? 0) + 1 };
      if (event.event_type === "undo" && outcome) return { ...metrics, [outcome]: less(metrics[outcome]) };
      return metrics;
    },
  },
  duration: {
    names: { seconds: "duration_seconds", occurrences: "occurrences", runningSince: "running_since", runningEventId: "running_event_id" },
    apply(metrics, event) {
      if (event.event_type === "duration_start") {
        return { ...metrics, runningSince: event.occurred_at, runningEventId: event.id };
      }
      if (event.event_type === "duration_stop") {
        return {
          seconds: (metrics.seconds ?? 0) + event.value,
          occurrences: (metrics.occurrences ?? 0) + 1,
          runningSince: null,
          runningEventId: null,
        };
      }
      return metrics;
    },
  },
};

/* What the server says, over what was known: a metric it leaves out stays. */
function read(kind, values, known = {}) {
  const metrics = {};
  for (const [name, serverName] of Object.entries(kinds[kind].names)) {
    const value = values[serverName];
    if (value === undefined) metrics[name] = known[name] ?? null;
    else metrics[name] = name.startsWith("running") ? value || null : number(value);
  }
  return metrics;
}

export function scoredTrials(metrics) {
  return OUTCOMES.reduce((scored, outcome) => scored + (metrics[outcome] ?? 0), 0);
}

/* Independent correct ÷ scored trials, as a whole percentage; null without a trial. */
export function trialPercentage(metrics) {
  const scored = scoredTrials(metrics);
  return scored === 0 ? null : Math.round((100 * (metrics.correct ?? 0)) / scored);
}

/* 95 → "1:35", 3700 → "1:01:40". */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (part) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export class SessionState {
  /*
   * now(): wall clock in ms; monotonic(): a clock in ms that is never set;
   * newId(): a new uuid; random(): 0 … 1, spreads retries of many tablets.
   */
  constructor({ now, monotonic, newId, random = Math.random }) {
    this.now = now;
    this.monotonic = monotonic;
    this.newId = newId;
    this.random = random;
    this.boot = newId();
    this.sequence = 0;
    this.targets = new Map();
    this.pending = []; // in the order of entry
    this.stuck = []; // single entries that the server cannot read
    this.refused = []; // answered "rejected"
    this.held = new Set(); // ids answered "held"
    this.failures = 0;
    this.signedOut = false;
    this.limit = MAX_BATCH_EVENTS;
    this.sending = null;
  }

  addTarget({ id, kind, metrics = {}, undoable = [] }) {
    const target = { id, kind, base: read(kind, metrics), undoable: [...undoable], saved: false, started: null };
    this.targets.set(id, target);
  }

  /* ---- Entries ---- */

  count(targetId) {
    const event = this.#enter(targetId, "count", 1, {});
    this.targets.get(targetId).undoable.push({ id: event.id });
    return event;
  }

  trial(targetId, outcome, promptLevel = null) {
    if (!OUTCOMES.includes(outcome)) throw new RangeError(`no such outcome: ${outcome}`);
    const metadata = promptLevel ? { outcome, prompt_level: promptLevel } : { outcome };
    const event = this.#enter(targetId, "trial", outcome === "correct" ? 1 : 0, metadata);
    this.targets.get(targetId).undoable.push({ id: event.id, outcome });
    return event;
  }

  /* Take back the last entry that was not yet taken back; null when there is none. */
  undo(targetId) {
    const last = this.targets.get(targetId).undoable.pop();
    if (!last) return null;
    const metadata = last.outcome ? { undoes: last.id, outcome: last.outcome } : { undoes: last.id };
    return this.#enter(targetId, "undo", null, metadata);
  }

  /* Start the target's timer; null when it runs already. */
  start(targetId) {
    if (this.metrics(targetId).runningSince) return null;
    const event = this.#enter(targetId, "duration_start", null, {});
    this.targets.get(targetId).started = { id: event.id, monotonic: this.monotonic() };
    return event;
  }

  /* Stop it; the value is the seconds between the two entries. */
  stop(targetId) {
    const target = this.targets.get(targetId);
    const { runningSince, runningEventId } = this.metrics(targetId);
    if (!runningSince) return null;
    const wall = Math.max(0, this.now() - Date.parse(runningSince));
    const startId = runningEventId ?? target.started?.id ?? null;
    const metadata = { start_id: startId };
    if (target.started && target.started.id === startId) {
      // A sleeping tablet stops one clock, a corrected one moves the other.
      const elapsed = this.monotonic() - target.started.monotonic;
      metadata.monotonic_seconds = Math.round(elapsed) / 1000;
      if (Math.abs(elapsed - wall) > CLOCK_TOLERANCE_MS) metadata.clocks_disagree = true;
    }
    target.started = null;
    return this.#enter(targetId, "duration_stop", wall / 1000, metadata);
  }

  #enter(targetId, eventType, value, metadata) {
    const event = Object.freeze({
      id: this.newId(),
      event_type: eventType,
      target_id: targetId,
      value,
      occurred_at: new Date(this.now()).toISOString(),
      metadata: Object.freeze({ ...metadata, boot: this.boot, seq: (this.sequence += 1) }),
    });
    this.pending.push(event);
    return event;
  }

  /* ---- What to show ---- */

  metrics(targetId) {
    const target = this.targets.get(targetId);
    const mine = [...this.stuck, ...this.pending]
      .filter((event) => event.target_id === targetId)
      .sort((a, b) => a.metadata.seq - b.metadata.seq);
    return mine.reduce((metrics, event) => kinds[target.kind].apply(metrics, event), target.base);
  }

  canUndo(targetId) {
    return this.targets.get(targetId).undoable.length > 0;
  }

  elapsedSeconds(targetId) {
    const { seconds, runningSince } = this.metrics(targetId);
    if (!runningSince) return seconds;
    return (seconds ?? 0) + Math.max(0, this.now() - Date.parse(runningSince)) / 1000;
  }

  get unsent() {
    return this.pending.length + this.stuck.length;
  }

  get timerRunning() {
    return [...this.targets.values()].some((target) => target.kind === "duration" && this.metrics(target.id).runningSince);
  }

  /* "", "saving", "saved", "unsaved" or "refused": the worst that is true of the tile. */
  tileState(targetId) {
    const of = (events) => events.some((event) => event.target_id === targetId);
    if (of(this.stuck)) return "unsaved";
    if (of(this.pending)) {
      const held = this.pending.some((event) => event.target_id === targetId && this.held.has(event.id));
      return this.failures > 0 || held ? "unsaved" : "saving";
    }
    if (of(this.refused)) return "refused";
    return this.targets.get(targetId).saved ? "saved" : "";
  }

  /* One line for the whole page: a key and a count. */
  get summary() {
    if (this.unsent > 0 && this.signedOut) return { key: "signed-out", count: this.unsent };
    if (this.pending.some((event) => this.held.has(event.id))) return { key: "held", count: this.unsent };
    if (this.pending.length > 0) return { key: this.failures > 0 ? "unsaved" : "saving", count: this.unsent };
    if (this.stuck.length > 0) return { key: "stuck", count: this.stuck.length };
    if (this.refused.length > 0) return { key: "refused", count: this.refused.length };
    const entered = [...this.targets.values()].some((target) => target.saved);
    return { key: entered ? "saved-all" : "empty", count: 0 };
  }

  /* "" when the session may end, else the key of the reason. */
  get endBlockedBy() {
    if (this.unsent > 0) return "end-blocked";
    return this.timerRunning ? "end-blocked-timer" : "";
  }

  /* ---- Sending ---- */

  /* The next entries to send, oldest first, or null. One batch is under way at a time. */
  takeBatch(maxBytes = MAX_BATCH_BYTES) {
    if (this.sending || this.pending.length === 0) return null;
    const batch = [];
    let bytes = 0;
    for (const event of this.pending) {
      bytes += encoder.encode(JSON.stringify(event)).length + 1;
      if (batch.length > 0 && (batch.length >= this.limit || bytes > maxBytes)) break;
      batch.push(event);
    }
    this.sending = batch;
    return batch;
  }

  /*
   * The server's answer to the batch under way. Returns true when it moved
   * anything on, so that the next batch may go at once.
   */
  applyAnswer(answer) {
    const batch = this.sending ?? [];
    this.sending = null;
    if (!Array.isArray(answer?.results)) return this.#failed();
    const verdicts = new Map(answer.results.map((result) => [result?.id, result]));
    const settled = new Map();
    for (const event of batch) {
      const verdict = verdicts.get(event.id);
      if (verdict?.status === "ok" || verdict?.status === "rejected") settled.set(event.id, verdict);
      if (verdict?.status === "held") this.held.add(event.id);
      else this.held.delete(event.id);
    }
    this.pending = this.pending.filter((event) => !settled.has(event.id));
    this.#settle(batch, settled, answer.metrics ?? {});
    if (settled.size === 0) return this.#failed();
    this.signedOut = false;
    this.limit = Math.min(MAX_BATCH_EVENTS, this.limit * 2);
    // What stays behind in this batch was not accepted: it must not slow down what comes after it.
    this.failures = settled.size === batch.length ? 0 : 1;
    return this.failures === 0;
  }

  #settle(batch, settled, metrics) {
    for (const event of batch) {
      const verdict = settled.get(event.id);
      const target = this.targets.get(event.target_id);
      if (!verdict || !target) continue;
      if (verdict.status === "ok") {
        target.saved = true;
        target.base = kinds[target.kind].apply(target.base, event);
      } else {
        this.refused.push({ ...event, code: verdict.code ?? "" });
        target.undoable = target.undoable.filter((entry) => entry.id !== event.id);
      }
    }
    for (const [id, values] of Object.entries(metrics)) {
      const target = this.targets.get(id);
      if (target && values) target.base = read(target.kind, values, target.base);
    }
  }

  /*
   * The batch did not get an answer that can be used. status: the HTTP status,
   * 0 for none (no network, time-out, a page instead of an answer).
   */
  applyFailure(status = 0) {
    const batch = this.sending ?? [];
    this.sending = null;
    if (status === 401 || status === 403) this.signedOut = true;
    if ((status === 400 || status === 413) && batch.length > 0) {
      if (batch.length === 1) {
        // One entry that the server cannot read must not hold up the others.
        this.pending = this.pending.filter((event) => event !== batch[0]);
        this.stuck.push(batch[0]);
        return true;
      }
      this.limit = Math.ceil(batch.length / 2);
      return true;
    }
    return this.#failed();
  }

  #failed() {
    this.failures += 1;
    return false;
  }

  /* Put aside entries back in their place in the queue. */
  retryStuck() {
    this.pending = [...this.stuck, ...this.pending].sort((a, b) => a.metadata.seq - b.metadata.seq);
    this.stuck = [];
  }

  /* How long to wait before the next attempt: 1, 2, 4 … 30 s, up to half less by chance. */
  get retryDelay() {
    if (this.failures === 0) return 0;
    const full = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.failures - 1));
    return Math.round(full * (1 - this.random() / 2));
  }
}
