import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_BATCH_EVENTS, SessionState, clockText, trialPercentage } from "../../static/js/session-state.js";

const START = Date.parse("2024-03-05T21:00:00.000Z");

/* A state with clocks that the test moves and ids that count up. */
function session(...targets) {
  const clock = { wall: START, monotonic: 0 };
  let ids = 0;
  const state = new SessionState({
    now: () => clock.wall,
    monotonic: () => clock.monotonic,
    newId: () => `id-${(ids += 1)}`,
    random: () => 0,
  });
  for (const target of targets) state.addTarget(target);
  const pass = (milliseconds) => {
    clock.wall += milliseconds;
    clock.monotonic += milliseconds;
  };
  return { state, clock, pass };
}

const counter = { id: "c", kind: "counter" };
const trials = { id: "t", kind: "trial" };
const timer = { id: "d", kind: "duration" };

const answer = (batch, status = "ok", metrics = {}) => ({ results: batch.map(({ id }) => ({ id, status })), metrics });

function sendAll(state) {
  for (let batch = state.takeBatch(); batch; batch = state.takeBatch()) state.applyAnswer(answer(batch));
}

test("nothing entered is missing, not zero", () => {
  const { state } = session(counter, trials, timer);
  assert.equal(state.metrics("c").count, null);
  assert.equal(trialPercentage(state.metrics("t")), null);
  assert.equal(state.elapsedSeconds("d"), null);
  assert.deepEqual(state.summary, { key: "empty", count: 0 });
});

test("one tap is one event, with its own id, time and place in the order", () => {
  const { state, pass } = session(counter);
  state.count("c");
  pass(7);
  state.count("c");
  const [first, second] = state.takeBatch();
  assert.deepEqual(Object.keys(first).sort(), ["event_type", "id", "metadata", "occurred_at", "target_id", "value"]);
  assert.equal(first.event_type, "count");
  assert.equal(first.value, 1);
  assert.equal(first.occurred_at, "2024-03-05T21:00:00.000Z");
  assert.equal(second.occurred_at, "2024-03-05T21:00:00.007Z");
  assert.notEqual(first.id, second.id);
  assert.ok(first.metadata.seq < second.metadata.seq);
  assert.equal(first.metadata.boot, second.metadata.boot);
});

test("an event never changes", () => {
  const { state } = session(counter);
  const event = state.count("c");
  assert.throws(() => { event.value = 2; }, TypeError);
  assert.throws(() => { event.metadata.seq = 9; }, TypeError);
});

test("a tap counts on screen at once and is saved only after ok", () => {
  const { state } = session(counter);
  state.count("c");
  assert.equal(state.metrics("c").count, 1);
  assert.equal(state.tileState("c"), "saving");
  const batch = state.takeBatch();
  assert.equal(state.tileState("c"), "saving");
  state.applyAnswer(answer(batch));
  assert.equal(state.tileState("c"), "saved");
  assert.equal(state.metrics("c").count, 1);
  assert.equal(state.unsent, 0);
});

test("undo is a new event that names the one it takes back", () => {
  const { state } = session(counter);
  const first = state.count("c");
  const second = state.count("c");
  const undo = state.undo("c");
  assert.equal(undo.event_type, "undo");
  assert.equal(undo.value, null);
  assert.equal(undo.metadata.undoes, second.id);
  assert.equal(state.metrics("c").count, 1);
  assert.equal(state.undo("c").metadata.undoes, first.id);
  assert.equal(state.metrics("c").count, null);
  assert.equal(state.undo("c"), null);
  assert.equal(state.unsent, 4);
});

test("an entry from before the page was loaded can be taken back when its id is known", () => {
  const { state } = session({ ...counter, metrics: { count: "3" }, undoable: [{ id: "old" }] });
  assert.equal(state.undo("c").metadata.undoes, "old");
  assert.equal(state.metrics("c").count, 2);
});

test("trials count by outcome and keep the prompt level", () => {
  const { state } = session(trials);
  state.trial("t", "correct");
  state.trial("t", "incorrect");
  const prompted = state.trial("t", "prompted", "GESTURAL");
  assert.deepEqual(prompted.metadata.prompt_level, "GESTURAL");
  assert.equal(prompted.value, 0);
  assert.equal(trialPercentage(state.metrics("t")), 33);
  state.undo("t");
  assert.equal(trialPercentage(state.metrics("t")), 50);
  state.trial("t", "no_response");
  assert.equal(trialPercentage(state.metrics("t")), 33);
  assert.throws(() => state.trial("t", "perhaps"), RangeError);
});

test("a timer is a start and a stop", () => {
  const { state, pass } = session(timer);
  const start = state.start("d");
  assert.equal(state.start("d"), null);
  assert.ok(state.timerRunning);
  pass(95500);
  assert.equal(state.elapsedSeconds("d"), 95.5);
  const stop = state.stop("d");
  assert.equal(stop.value, 95.5);
  assert.deepEqual([stop.metadata.start_id, stop.metadata.monotonic_seconds], [start.id, 95.5]);
  assert.equal(stop.metadata.clocks_disagree, undefined);
  assert.equal(state.stop("d"), null);
  assert.deepEqual(state.metrics("d"), { seconds: 95.5, occurrences: 1, runningSince: null, runningEventId: null });
});

test("clocks that disagree by more than two seconds are told", () => {
  const { state, clock, pass } = session(timer);
  state.start("d");
  pass(10000);
  clock.wall += 60000;
  const stop = state.stop("d");
  assert.equal(stop.metadata.clocks_disagree, true);
  assert.equal(stop.metadata.monotonic_seconds, 10);
  assert.equal(stop.value, 70);
});

test("a timer runs on after a reload and after its start was acknowledged", () => {
  const { state, pass } = session({ ...timer, metrics: { running_since: "2024-03-05T20:59:00+00:00", running_event_id: "before" } });
  pass(1000);
  assert.equal(state.elapsedSeconds("d"), 61);
  assert.equal(state.stop("d").metadata.start_id, "before");
  sendAll(state);
  const start = state.start("d");
  state.applyAnswer(answer(state.takeBatch(), "ok", { d: { duration_seconds: 61, occurrences: 1 } }));
  pass(2000);
  assert.equal(state.elapsedSeconds("d"), 63);
  assert.equal(state.stop("d").metadata.start_id, start.id);
});

test("the server's metrics replace what was shown, and what is still unsent is added", () => {
  const { state } = session(counter);
  state.count("c");
  const batch = state.takeBatch();
  state.count("c");
  state.applyAnswer(answer(batch, "ok", { c: { count: 11 } }));
  assert.equal(state.metrics("c").count, 12);
});

test("200 means nothing: only a verdict on its own id removes an event", () => {
  const { state } = session(counter);
  state.count("c");
  for (const useless of [null, "<html>", {}, { results: "ok" }, { results: [] }, { results: [{ id: "other", status: "ok" }, null] }, { results: [{ id: "id-2", status: "fine" }] }]) {
    assert.equal(state.takeBatch().length, 1);
    assert.equal(state.applyAnswer(useless), false);
    assert.equal(state.unsent, 1);
  }
  assert.equal(state.tileState("c"), "unsaved");
});

test("what fails is sent again with the same id, in order", () => {
  const { state } = session(counter, trials);
  state.count("c");
  state.trial("t", "correct");
  const first = state.takeBatch();
  state.applyFailure(0);
  state.count("c");
  const second = state.takeBatch();
  assert.deepEqual(second.slice(0, 2), first);
  assert.deepEqual(second.map((event) => event.metadata.seq), [1, 2, 3]);
});

test("only one batch is under way", () => {
  const { state } = session(counter);
  state.count("c");
  assert.ok(state.takeBatch());
  assert.equal(state.takeBatch(), null);
});

test("half a batch accepted leaves the other half", () => {
  const { state } = session(counter);
  state.count("c");
  state.count("c");
  const batch = state.takeBatch();
  assert.equal(state.applyAnswer(answer(batch.slice(0, 1))), false);
  assert.deepEqual(state.takeBatch(), batch.slice(1));
});

test("held entries are kept and shown", () => {
  const { state } = session(counter);
  state.count("c");
  state.applyAnswer(answer(state.takeBatch(), "held"));
  assert.deepEqual(state.summary, { key: "held", count: 1 });
  assert.equal(state.tileState("c"), "unsaved");
  sendAll(state);
  assert.equal(state.summary.key, "saved-all");
});

test("rejected entries leave the queue, the figure and the undo list, and are shown", () => {
  const { state } = session(counter);
  const event = state.count("c");
  state.takeBatch();
  state.applyAnswer({ results: [{ id: event.id, status: "rejected", code: "SESSION_CLOSED" }] });
  assert.equal(state.unsent, 0);
  assert.equal(state.metrics("c").count, null);
  assert.equal(state.canUndo("c"), false);
  assert.equal(state.tileState("c"), "refused");
  assert.deepEqual(state.summary, { key: "refused", count: 1 });
  assert.equal(state.refused[0].code, "SESSION_CLOSED");
});

test("signed out: everything waits until an answer comes", () => {
  for (const status of [401, 403]) {
    const { state } = session(counter);
    state.count("c");
    state.takeBatch();
    state.applyFailure(status);
    assert.deepEqual(state.summary, { key: "signed-out", count: 1 });
    sendAll(state);
    assert.equal(state.summary.key, "saved-all");
  }
});

test("one entry that cannot be read is set aside and does not hold up the others", () => {
  const { state } = session(counter);
  const events = Array.from({ length: 9 }, () => state.count("c"));
  const poison = events[4].id;
  for (let round = 0; state.pending.length > 0; round += 1) {
    assert.ok(round < 40, "does not end");
    const batch = state.takeBatch();
    if (batch.some((event) => event.id === poison)) state.applyFailure(400);
    else state.applyAnswer(answer(batch));
  }
  assert.deepEqual(state.stuck.map((event) => event.id), [poison]);
  assert.equal(state.unsent, 1);
  assert.equal(state.metrics("c").count, 9);
  assert.deepEqual(state.summary, { key: "stuck", count: 1 });
  assert.equal(state.endBlockedBy, "end-blocked");
  state.retryStuck();
  sendAll(state);
  assert.equal(state.unsent, 0);
});

test("batches are bounded by number and by bytes", () => {
  const { state } = session(counter);
  for (let tap = 0; tap < MAX_BATCH_EVENTS + 20; tap += 1) state.count("c");
  assert.equal(state.takeBatch().length, MAX_BATCH_EVENTS);
  state.applyFailure(0);
  const small = state.takeBatch(1000);
  assert.ok(small.length >= 1 && JSON.stringify(small).length <= 1001);
  state.applyFailure(0);
  assert.equal(state.takeBatch(1).length, 1);
});

test("waiting doubles up to half a minute and ends with success", () => {
  const { state } = session(counter);
  state.count("c");
  const waits = Array.from({ length: 7 }, () => {
    state.takeBatch();
    state.applyFailure(503);
    return state.retryDelay;
  });
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  sendAll(state);
  assert.equal(state.retryDelay, 0);
});

test("the session ends only with everything saved and every timer stopped", () => {
  const { state } = session(counter, timer);
  assert.equal(state.endBlockedBy, "");
  state.start("d");
  assert.equal(state.endBlockedBy, "end-blocked");
  sendAll(state);
  assert.equal(state.endBlockedBy, "end-blocked-timer");
  state.stop("d");
  sendAll(state);
  assert.equal(state.endBlockedBy, "");
});

test("nothing is lost or doubled over a network that fails in every way", () => {
  // The server stores by id and knows nothing else; its answers get lost, cut or refused.
  let seed = 20240305;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const { state } = session(counter, trials);
  const stored = new Map();
  const entered = [];
  const store = (batch) => batch.forEach((event) => stored.set(event.id, stored.get(event.id) ?? event));
  const exchange = (calm) => {
    const batch = state.takeBatch();
    if (!batch) return;
    const fate = calm ? 1 : random();
    if (fate < 0.15) state.applyFailure(0); // never arrived
    else if (fate < 0.3) { store(batch); state.applyFailure(0); } // stored, answer lost
    else if (fate < 0.4) state.applyFailure(503);
    else if (fate < 0.45) state.applyFailure(401);
    else if (fate < 0.5) state.applyFailure(413);
    else if (fate < 0.55) state.applyAnswer({ results: [] });
    else if (fate < 0.65) { const half = batch.slice(0, Math.ceil(batch.length / 2)); store(half); state.applyAnswer(answer(half)); }
    else { store(batch); store(batch); state.applyAnswer(answer(batch)); }
  };
  for (let tap = 0; tap < 2000; tap += 1) {
    const choice = random();
    const event = choice < 0.5 ? state.count("c") : choice < 0.9 ? state.trial("t", choice < 0.7 ? "correct" : "prompted", "MODEL") : state.undo("c");
    if (event) entered.push(event);
    if (random() < 0.4) exchange(false);
  }
  state.retryStuck();
  while (state.unsent > 0) exchange(true);
  assert.equal(stored.size, entered.length);
  for (const event of entered) assert.deepEqual(stored.get(event.id), event);
  const counts = entered.filter((event) => event.event_type === "count").length - entered.filter((event) => event.event_type === "undo").length;
  assert.equal(state.metrics("c").count ?? 0, counts);
});

test("time is read as a clock", () => {
  assert.deepEqual([0, 9.9, 95, 3700, -1].map(clockText), ["0:00", "0:09", "1:35", "1:01:40", "0:00"]);
});
