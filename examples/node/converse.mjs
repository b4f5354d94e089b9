// Streams an answer with a guardrail, and shows the denial of a call without one.
//
// It runs against AWS, or against `guardedbedrock serve` with the environment variables that the server prints:
//
//     npm install
//     GUARDRAIL_ID=abc123def456 node converse.mjs "How many days of leave do I have?"

import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const MODEL = process.env.MODEL_ID ?? "anthropic.claude-3-haiku-20240307-v1:0";
const guardrailConfig = { guardrailIdentifier: process.env.GUARDRAIL_ID, guardrailVersion: process.env.GUARDRAIL_VERSION ?? "1" };
const question = process.argv[2] ?? "How many days of leave do I have?";
const messages = [{ role: "user", content: [{ text: question }] }];

// The client uses HTTP/2 by default, which a server on http:// does not speak.
const client = new BedrockRuntimeClient({ requestHandler: new NodeHttpHandler() });

const { stream } = await client.send(new ConverseStreamCommand({ modelId: MODEL, messages, guardrailConfig }));
for await (const event of stream) {
  process.stdout.write(event.contentBlockDelta?.delta?.text ?? "");
  if (event.messageStop) process.stdout.write(`\n${event.messageStop.stopReason}\n`);
}

try {
  await client.send(new ConverseCommand({ modelId: MODEL, messages }));
  console.log("answered without a guardrail");
} catch (error) {
  if (error.name !== "AccessDeniedException") throw error;
  console.log(`${error.name} (${error.$metadata.httpStatusCode}): ${error.message}`);
}
