// Checks an MCP server with the official TypeScript client: node client.mjs URL KEY COMMAND...
// COMMAND serves at URL and takes KEY as bearer token; it is started, killed and started again.
// Prints one line per check and exits non-zero if any failed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const [url, key, ...command] = process.argv.slice(2);
const ANSWERS = "+12025550100";
const WAITS_IN_THE_QUEUE = "+12025550111";
const OURS_SHOWN_TO_NO_MODEL = "interval_s";
const MAIN_TOOLS = [
  "revox_make_call", "revox_get_call", "revox_wait_for_call", "revox_get_call_history", "revox_list_assistants",
  "revox_get_assistant", "revox_create_assistant", "revox_auth_status", "revox_list_voices",
];

let server;
let failed = 0;
const open = [];

async function check(what, prove) {
  try {
    await prove();
    console.log(`ok      ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}: ${error.message}`);
  }
}

async function start() {
  server = spawn(command[0], command.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
  for (let i = 0; i < 300; i += 1) {
    assert.equal(server.exitCode, null, "the server ended by itself");
    const answer = await fetch(url, { method: "POST" }).catch(() => undefined);
    if (answer?.status === 401) return;
    await sleep(100);
  }
  throw new Error("the server did not start");
}

async function stop() {
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
}

async function connect(token = key) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const client = new Client({ name: "check", version: "1" });
  client.heard = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void client.heard.push(params));
  client.onerror = () => {};
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  open.push(client);
  return client;
}

async function place(client, phone_number) {
  const result = await client.callTool({ name: "revox_make_call", arguments: { phone_number, prompt: "Say hello." } });
  assert.ok(!result.isError, JSON.stringify(result.content));
  return (result.structuredContent ?? JSON.parse(result.content[0].text)).call.id;
}

async function intervalName(client) {
  const { tools } = await client.listTools();
  const { properties } = tools.find((tool) => tool.name === "revox_wait_for_call").inputSchema;
  return Object.keys(properties).find((name) => name.startsWith("interval")) ?? OURS_SHOWN_TO_NO_MODEL;
}

await start();
try {
  let client;
  await check("initialize", async () => {
    client = await connect();
    assert.ok(client.getServerVersion().name.startsWith("revox"));
    assert.ok(client.getServerCapabilities().logging);
  });

  await check("list", async () => {
    const { tools } = await client.listTools();
    const names = tools.map((tool) => tool.name);
    for (const name of MAIN_TOOLS) assert.ok(names.includes(name), `${name} is missing`);
  });

  await check("call", async () => {
    const voices = await client.callTool({ name: "revox_list_voices", arguments: {} });
    assert.match(voices.content[0].text, /a249eaff-1e96-4d2c-b23b-12efa4f66f41/);
    const wrong = await client.callTool({ name: "revox_get_call", arguments: { call_id: "nope" } });
    assert.equal(wrong.isError, true);
  });

  await check("log messages and progress of a wait", async () => {
    const call_id = await place(client, ANSWERS);
    const name = await intervalName(client);
    const progress = [];
    const result = await client.callTool(
      { name: "revox_wait_for_call", arguments: { call_id, [name]: 1 } },
      undefined,
      { onprogress: (step) => progress.push(step.progress), resetTimeoutOnProgress: true },
    );
    assert.ok(!result.isError, JSON.stringify(result.content));
    const statuses = client.heard.map(({ data }) => data.status).filter(Boolean);
    assert.equal(statuses.at(-1), "completed");
    assert.ok(statuses.length >= 3, `only heard of ${statuses}`);
    assert.ok(client.heard.every(({ level, logger }) => level === "info" && logger === "revox"));
    assert.ok(progress.length >= 3, "no progress");
    assert.deepEqual(progress, [...progress].sort((a, b) => a - b));
  });

  await check("cancellation", async () => {
    const call_id = await place(client, WAITS_IN_THE_QUEUE);
    const name = await intervalName(client);
    const abort = new AbortController();
    client.heard.length = 0;
    const waiting = client.callTool(
      { name: "revox_wait_for_call", arguments: { call_id, [name]: 1 } }, undefined, { signal: abort.signal },
    );
    const answered = waiting.then((result) => {
      throw new Error(`the wait ended before it was cancelled: ${JSON.stringify(result.content)}`);
    });
    const heard = async () => {
      while (client.heard.length === 0) await sleep(10);
    };
    await Promise.race([heard(), answered, sleep(30_000, undefined, { ref: false }).then(() => assert.fail("nothing was heard of the wait"))]);
    abort.abort("enough");
    await assert.rejects(waiting, /enough/);
    const looks = async () => {
      const state = await fetch(new URL("/sandbox/state", url)).catch(() => undefined);
      return state?.ok ? (await state.json()).requests.revox_get_call : 0;
    };
    await sleep(100);
    const before = await looks();
    await sleep(400);
    assert.equal(await looks(), before, "the server goes on looking");
    const read = await client.callTool({ name: "revox_get_call", arguments: { call_id } });
    assert.match(read.content[0].text, /queued_for_calling/);
  });

  await check("401 without the key, with a wrong one, and within a session", async () => {
    for (const token of ["", "wrong"]) await assert.rejects(connect(token), { code: 401 });
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const headers = {
      Accept: "application/json, text/event-stream",
      "Content-Type": "application/json",
      "Mcp-Session-Id": client.transport.sessionId,
    };
    assert.equal((await fetch(url, { method: "POST", headers, body })).status, 401);
  });

  await check("a session after a restart", async () => {
    await stop();
    await assert.rejects(client.callTool({ name: "revox_auth_status", arguments: {} }));
    await start();
    await assert.rejects(client.callTool({ name: "revox_auth_status", arguments: {} }), { code: 404 });
    const again = await connect();
    const status = await again.callTool({ name: "revox_auth_status", arguments: {} });
    assert.ok(!status.isError);
  });
} finally {
  await Promise.all(open.map((client) => client.close().catch(() => {})));
  await stop();
}
process.exit(failed ? 1 : 0);
