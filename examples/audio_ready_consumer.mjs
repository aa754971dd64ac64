// Prints every page that can be heard, as Lectern announces it on the topic audio.ready.
//
//   npm install kafkajs
//   node audio_ready_consumer.mjs kafka:9092 [GROUP]
//
// It needs nothing of Lectern: docs/events.md says what is on the wire. kafkajs reads gzip, as
// public topics are stored, and nothing else without a package more.
//
// TOPIC=audiobook.ready in the environment prints audiobooks instead. Events do not say what a
// document is called: with LECTERN_URL and LECTERN_TOKEN the gateway is asked for the title. COUNT
// stops it after so many. It exits with 1 if it cannot go on.

import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";

const KNOWN_VERSION = 1;
const REMEMBERED_IDS = 100_000;
const GONE = "untitled or gone"; // deleted, or not for this token to see

const [bootstrap = "localhost:9092", group] = process.argv.slice(2);
const { LECTERN_URL: url, LECTERN_TOKEN: token, TOPIC: topic = "audio.ready" } = process.env;
const count = Number(process.env.COUNT ?? 0);

// A program that changes something keeps the ids in its own database instead, and writes them in
// the transaction of the change: then a restart forgets nothing.
const seen = new Set();

function remember(id) {
  seen.add(id);
  if (seen.size > REMEMBERED_IDS) seen.delete(seen.values().next().value);
}

async function titleOf(documentId) {
  if (!url || !token) return undefined;
  const answer = await fetch(`${url}/api/v1/documents/${documentId}`, {
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 404) return GONE;
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  return (await answer.json()).title;
}

const seconds = (ms) => (ms / 1000).toFixed(1);
const whole = (number) => number.toLocaleString("en-US");
const file = (format, { size }) => `${format} ${whole(size)} bytes`;

// What an event says, on one line.
const LINES = {
  "audio.ready": (value) =>
    `page ${value.page} of document ${value.document_id}: ${seconds(value.duration_ms)} s, ` +
    `${whole(value.characters_spoken)} characters, by ${value.engine}/${value.voice}; ` +
    value.renditions.map(({ format, object }) => file(format, object)).join(", "),
  "audiobook.ready": (value) =>
    `audiobook of document ${value.document_id}: ${seconds(value.duration_ms)} s, ` +
    `${value.chapter_count} chapters; ${file(value.format, value.object)}`,
};

function readable(headers, raw) {
  if (!Object.hasOwn(LINES, headers.ce_type)) throw new Error(`it is ${headers.ce_type}`);
  const value = JSON.parse(raw);
  if (value.version > KNOWN_VERSION) throw new Error(`version ${value.version} is newer than this`);
  return value;
}

async function show(headers, value) {
  const title = await titleOf(value.document_id);
  console.log(`${headers.ce_time} ${LINES[headers.ce_type](value)}`);
  if (title !== undefined) console.log(`    title: ${title}`);
  for (const [name, text] of Object.entries(headers)) console.log(`    ${name}: ${text}`);
}

const kafka = new Kafka({ brokers: [bootstrap], clientId: "example", logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: group ?? `example-${randomUUID()}` });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => consumer.disconnect());
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  if (restart) return; // kafkajs tries again by itself
  console.error(`Kafka at ${bootstrap}: ${error.message}`);
  process.exitCode = 1;
});

let printed = 0;
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true }); // where the group has no offset yet
await consumer.run({
  // What was printed is committed: an offset counts as resolved when this function returns.
  eachMessage: async ({ partition, message }) => {
    const pairs = Object.entries(message.headers).map(([name, value]) => [name, String(value)]);
    const headers = Object.fromEntries(pairs);
    if (seen.has(headers.ce_id)) return;
    let value;
    try {
      value = readable(headers, message.value);
    } catch (error) {
      console.error(`${topic}[${partition}] offset ${message.offset} skipped: ${error.message}`);
      return;
    }
    await show(headers, value); // a gateway that is away throws, and the message comes again
    remember(headers.ce_id);
    printed += 1;
    if (count && printed >= count) {
      consumer.pause([{ topic }]); // what is left of this batch is for the next run
      setImmediate(() => consumer.disconnect());
    }
  },
});
